"""Batches are held one at a time, and a wait says for whom."""

import threading
from types import SimpleNamespace

import pytest

from workbench.recipes import RecipeConfig
from workbench.runs.claims import claimed
from workbench.runs.interrupts import Interrupts, Terminated


class Said:
    def __init__(self):
        self.sentences = []
        self.heard = threading.Event()

    def say(self, sentence):
        self.sentences.append(sentence)
        self.heard.set()

    def progress(self, what, done, total):
        pass


class Spec(SimpleNamespace):
    def __str__(self):
        return f"leaves / {self.recipe} / seed {self.seed}"


def job(recipe="knn", seed=0, *, batched=True):
    spec = Spec(recipe=recipe, label=recipe, config=RecipeConfig(), seed=seed)
    data = SimpleNamespace(dataset=SimpleNamespace(fingerprint="d"), encoder=SimpleNamespace(fingerprint="m"))
    return SimpleNamespace(spec=spec, data=data, is_batched=batched, key=f"{recipe}{seed}".encode().hex())


def test_a_thousand_seeds_take_one_lock(tmp_path):
    jobs = [job(seed=seed) for seed in range(1_100)]
    with claimed(jobs, tmp_path, Said()):
        assert len(list((tmp_path / "locks").glob("*.lock"))) == 1


def test_who_waits_is_told_for_whom_and_goes_on(tmp_path):
    said, order = Said(), []

    def other():
        with claimed([job(seed=7)], tmp_path, said):
            order.append("second")

    with claimed([job(seed=3)], tmp_path, Said()):
        thread = threading.Thread(target=other)
        thread.start()
        assert said.heard.wait(10)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]
    assert "leaves / knn / seed 3" in said.sentences[0]
    assert "waiting for process" in said.sentences[0]


def test_processes_with_the_same_batches_in_another_order_do_not_wait_for_each_other(tmp_path):
    batches = [[job("knn")], [job("gda")], [job("lora", 1, batched=False)]]
    done = []

    def work(order):
        for batch in order:
            with claimed(batch, tmp_path, Said()):
                pass
        done.append(1)

    for _ in range(20):
        threads = [threading.Thread(target=work, args=(order,), daemon=True) for order in (batches, batches[::-1])]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    assert len(done) == 40


def test_the_first_interrupt_asks_and_the_second_stops():
    import os
    import signal

    said, before = Said(), signal.getsignal(signal.SIGINT)
    with Interrupts(said) as interrupts:
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupts.requested
        assert "once more stops at once" in said.sentences[0]
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(Terminated):
            os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGINT) is before
