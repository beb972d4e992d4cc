"""Where an interrupted run goes on: the newest checkpoint that was written whole."""

from trainer.checkpoints import last_checkpoint


def test_a_half_written_checkpoint_is_ignored(tmp_path):
    assert last_checkpoint(tmp_path) is None
    assert last_checkpoint(tmp_path / "nowhere") is None
    for step, whole in ((40, True), (120, True), (80, True), (160, False)):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        (folder / "model.safetensors").write_bytes(b"x")
        if whole:
            (folder / "trainer_state.json").write_text("{}")
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-120"


def test_a_checkpoint_whose_last_file_is_cut_short_is_ignored(tmp_path):
    for step, state in ((40, '{"global_step": 40}'), (80, '{"global_st')):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        (folder / "trainer_state.json").write_text(state)
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-40"
