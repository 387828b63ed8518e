"""`workbench.run` and `workbench.results` give data frames."""

import workbench


def test_run_and_results_agree(tiny_model, make_colours):
    frame = workbench.run(
        models=[tiny_model], datasets=[str(make_colours())], recipes=["zero-shot"], precision="fp32", device="cpu"
    )
    assert set(frame["recipe"]) == {"zero-shot", "majority-class"}
    assert frame["accuracy"].between(0, 1).all()
    again = workbench.results("adhoc")
    assert set(again["run_id"]) == set(frame["run_id"])
    assert list(workbench.results("nothing").columns)[:2] == ["run_id", "suite"]
