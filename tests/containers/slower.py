"""Which tests with containers are too slow for `make test`, and what it runs of their kind instead.

`make test-all` runs them. Each is a further member of a class that another test of `make test` shows.
"""

from __future__ import annotations

from typing import Final

SLOWER: Final = {
    "test_standstill.py::test_a_worker_that_stands_still[frozen by the control group]": "a paused container",
    "test_recipe_builds.py::test_idx_from_files_to_a_score": "faces, from files to a score",
    "test_recipe_builds.py::test_arrays_by_person_from_a_file": "cifar10 and faces from tables",
    "test_recipe_builds.py::test_refused[idx-files1-": "two refused builds, and the recipes' own tests",
    "test_recipe_builds.py::test_refused[idx-files2-": "two refused builds, and the recipes' own tests",
    "test_recipe_builds.py::test_refused[faces-files4-": "two refused builds, and the recipes' own tests",
    "test_failing_networks.py::test_a_checkpoint_that_is_never_answered": "checkpoints that end the evaluator",
    "test_earlier_image.py::test_an_unfinished_build_goes_on_in_its_image": "an evaluation in its image",
    "test_faults.py::test_a_container_that_is_removed_from_outside_is_started_again[evaluator]": "a worker",
    "test_store_faults.py::test_a_store_that_can_only_be_read": "a full disk, and the store's own tests",
    "test_time_limits.py::test_no_run_is_started_once_the_total_is_used_up[2]": "the budget's own tests",
    "test_time_limits.py::test_measuring_is_repeated_on_demand_and_shown": "a fraction, measured once",
    "test_run_contract.py::test_the_same_seed_gives_the_same_bytes[noisy_finetune]": "finetune",
    "test_run_contract.py::test_the_same_seed_gives_the_same_bytes[scrub]": "finetune",
    "test_architectures.py::test_an_unusable_network_of_the_challenge_blames_no_submission[convnet-1-": "an unknown architecture",
    "test_leftovers.py::test_runs_at_the_same_time_meet_nowhere[process]": "isolation container",
    "test_exit_codes.py::test_a_table_that_the_terminal_cannot_show[ascii]": "latin-1",
    "test_challenge_build.py::test_another_seed_gives_another_challenge_in_every_part": "the same seed",
    "test_command_line.py::test_a_failing_submission_earns_no_score_and_exit_code_1[x = 1-": "a crash",
    "test_recipe_builds.py::test_faces_from_folders_to_a_score": "cifar10, and faces from tables",
    "test_recipe_builds.py::test_a_reference_that_diverges_stops_the_build": "an original that diverges",
    "test_recipe_builds.py::test_a_challenge_for_gpus_is_refused_on_a_host_without_gpus": "the doctor's tests",
    "test_leftovers.py::test_runs_at_the_same_time_meet_nowhere[container]": "what a run makes or moves",
    "test_store_faults.py::test_a_disk_that_fills_up_is_one_sentence_and_loses_nothing": "a full disk by command",
    "test_executor.py::test_nothing_is_left_when_it_is_closed_in_the_middle[local]": "the fake, and Ctrl-C",
    "test_failing_networks.py::test_a_checkpoint_that_ends_the_evaluator_is_a_bad_checkpoint": "hostile buffers",
    "test_failing_networks.py::test_the_honest_submission_after_them_is_scored": "hostile buffers",
    "test_faults.py::test_a_command_that_stood_still_while_another_took_over_changes_nothing": "the lease's tests",
    "test_faults.py::test_a_container_that_is_removed_from_outside_is_started_again[worker]": "an engine's restart",
    "test_evaluator.py::test_outputs_depend_on_the_checkpoint_alone": "one by one and all at once",
    "test_time_limits.py::test_a_total_that_is_enough_changes_nothing": "a total that is used up",
    "test_runtimes.py::test_the_same_comes_out[--isolation": "the same under gVisor, and a container a run",
    "test_sealed_runs.py::test_a_fork_bomb_ends_with_its_run": "the gallery's",
    "test_sealed_runs.py::test_without_a_function_the_verdict_says_why[import a_module": "a list of mistakes",
    "test_sealed_runs.py::test_without_a_function_the_verdict_says_why[unlearning = 3": "the gallery's",
    "test_sealed_runs.py::test_without_a_function_the_verdict_says_why[async def unlearning(*_)": "a plain async def",
    "test_sealed_runs.py::test_without_a_function_the_verdict_says_why[raise RuntimeError": "a list of mistakes",
    "test_sealed_runs.py::test_a_network_inside_of_something_is_not_overlooked[[copy.deepcopy": "a tuple",
    "test_sealed_runs.py::test_a_network_inside_of_something_is_not_overlooked[{'net'": "a tuple",
    "test_sealed_runs.py::test_a_network_inside_of_something_is_not_overlooked[net, [0.1": "a number and None",
    "test_verify.py::test_a_submission_that_is_not_deterministic_is_named": "a deterministic one",
    "test_unfinished_build.py::test_other_settings_keep_the_networks": "other commands, and the command that goes on",
    "test_unfinished_build.py::test_classes_without_examples_are_reported": "the recipes' own tests",
    "test_time_limits.py::test_no_run_is_started_once_the_total_is_used_up[None]": "the budget's own tests",
    "test_exit_codes.py::test_a_table_that_the_terminal_cannot_show[latin-1]": "output encodings, in process",
    "test_architectures.py::test_an_unusable_network_of_the_challenge_blames_no_submission[digitz-": "the build's",
    "test_hostile_challenge.py::test_an_honest_copy_runs_and_so_does_one_that_speaks_to_the_terminal[untouched]": (
        "one that speaks to the terminal"
    ),
    "test_faults.py::test_two_commands_on_one_evaluation": "the lease's tests",
    "test_host_memory.py::test_a_kill_for_the_hosts_shortage_is_no_verdict[in": "two other ways to take memory",
    "test_host_memory.py::test_a_kill_for_the_hosts_shortage_is_no_verdict[endless": "one other way",
    "test_challenge_export.py::test_public_export_gives_the_organizers_score": "the export's own tests",
    "test_challenge_export.py::test_private_export_is_judged_and_not_scored": "commands on a private export",
    "test_runtimes.py::test_a_container_for_each_run_leaves_even_tmp_to_nobody": "the gallery's own containers",
    "test_faults.py::test_an_engine_that_goes_away_and_comes_back_loses_nothing": "kill -9, and containers that end",
    "test_earlier_image.py::test_it_is_listed_noted_and_continued": "the store's tests of images",
    "test_attacks.py::test_a_run_finds_nothing_of_earlier_ones_in_its_memory": "the gallery's",
    "test_side_by_side.py::test_resnets_side_by_side_are_those_trained_alone": "small networks",
    "test_architectures.py::test_a_stacked_resnet18_computes_what_torchvisions_does": "classifiers by name",
    "test_unfinished_build.py::test_the_printed_command_goes_on": "a training that resumes to the same bits",
    "test_sealed_runs.py::test_memory_bombs_are_named_and_the_next_run_is_fine": "the gallery's",
    "test_doctor.py::test_attacks_are_contained_on_this_host": "the gallery",
    "test_challenge_build.py::test_the_same_seed_gives_the_same_bytes": "a training that resumes to the same bits",
    "test_hostile_challenge.py::test_an_honest_copy_runs_and_so_does_one_that_speaks_to_the_terminal[escapes": (
        "names and words with escapes by command"
    ),
}
"""Beginnings of test names, without folders, and what `make test` runs of their kind."""


def is_slower(node: str) -> bool:
    """Return whether a test, named as pytest names it, is left to `make test-all`."""
    file, _, test = node.partition("::")
    return f"{file.rpartition('/')[2]}::{test}".startswith(tuple(SLOWER))
