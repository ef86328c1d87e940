"""What the studies have in common: running the program, and keeping what was found, so that a study goes on where it stopped."""

import json
import pathlib
import statistics
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent


def add_options(parser):
    parser.add_argument("--out", required=True, help="folder of the study")
    parser.add_argument("--marrow", default=str(ROOT / "build" / "marrow"))
    parser.add_argument("--threads", type=int, default=2)


def add_list_options(parser):
    """Of a study that fine-tunes classifiers on lists of pictures."""
    add_options(parser)
    parser.add_argument("--list", action="append", required=True, metavar="NAME=CSV")
    parser.add_argument("--cases", type=int, default=5, help="labels of each class for fine-tuning")
    parser.add_argument("--finetune-steps", type=int, default=150)
    parser.add_argument("--finetune", nargs="*", default=[], help="further settings of the fine-tuning")
    parser.add_argument("--tables", action="store_true", help="only print what is there")


class Runs:
    """Runs of the program in a folder of their own."""

    def __init__(self, options):
        self.o = options
        self.out = pathlib.Path(options.out).resolve()
        self.out.mkdir(parents=True, exist_ok=True)

    def attempt(self, *words):
        """Exit code, what it printed and what it complained of."""
        command = [self.o.marrow, *words, "--work", self.out / "work", "--threads", self.o.threads, "--progress", "none", "--json"]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False,
                              env={"OMP_WAIT_POLICY": "passive", "PATH": "/usr/bin:/bin"})
        return done.returncode, done.stdout, done.stderr.strip()

    def marrow(self, *words):
        """The answer of a command; 6 is done with something left out."""
        code, answer, complaint = self.attempt(*words)
        if code not in (0, 6):
            raise SystemExit(f"exit code {code} of marrow {' '.join(map(str, words))}: {complaint}")
        return json.loads(answer)

    def cell(self, name, make=None):
        """What a cell found, or what `make` finds now, which is kept; without `make` None for a cell that was not run."""
        file = self.out / "cells" / f"{name}.json"
        if file.exists():
            return json.loads(file.read_text(encoding="utf-8"))
        if make is None:
            return None
        answer = make()
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(answer), encoding="utf-8")
        return answer


class ListRuns(Runs):
    """Classifiers on lists: a CSV (image,label[,patient],split) with splits train and test each."""

    def __init__(self, options):
        super().__init__(options)
        self.lists = dict(word.split("=", 1) for word in options.list)

    def classify(self, data, name, seed, *start):
        """Fine-tunes from `start` (--from and the like) and evaluates on the test pictures."""
        run = self.out / "runs" / name
        self.marrow("finetune", "classify", *start, "--data", self.lists[data], "--cases", self.o.cases, "--out", run, "--seed", seed,
                    f"train.steps={self.o.finetune_steps}", *self.o.finetune)
        return self.marrow("evaluate", run, "--data", self.lists[data])

    def go(self):
        if not self.o.tables:
            self.work()
        self.tables()


def mean_text(values):
    """The mean over seeds ± their standard deviation, of what was run."""
    values = [value for value in values if value is not None]
    if not values:
        return "not run"
    spread = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):.3f}{spread}"
