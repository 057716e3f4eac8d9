"""Objects of the kernel that a run may make, beside those of `sandbox.worker.kernel_objects`."""
