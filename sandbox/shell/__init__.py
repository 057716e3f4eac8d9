"""An interactive Python with what a submission's function gets. Nothing in it is sealed."""
