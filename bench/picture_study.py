#!/usr/bin/env python3
"""Pretraining on small sets of pictures, probed and fine-tuned with few labels; started again it goes on where it stopped.

    bench/picture_study.py --list covid=covid.csv --list mednist=mednist.csv --out study            # runs what is missing, prints tables
    bench/picture_study.py --list covid=covid.csv --out study --tables                              # only prints them

A list is a CSV (image,label[,patient],split) with splits train and test. Every method pretrains on its training pictures without
labels, once for each seed, or on those of one list for all (`--pretrain-on`); encoders are probed (means over draws of labels) and
fine-tuned from `--cases` labels of each class, beside the same networks untrained. Test pictures are those of the split "test".
"""

import argparse
import statistics

import study_runs
from study_runs import mean_text

# The preset of pretraining, the network (which also starts from chance), and what else differs from the preset.
METHODS = {
    "mae": ("pretrain/mae2d.yaml", ["encoder.name=vit", "encoder.dimensions=2", "encoder.size=custom", "encoder.width=192",
                                    "encoder.depth=6", "encoder.heads=3", "encoder.patch=[8]", "encoder.image_size=[64]"], []),
    "spark": ("pretrain/spark2d.yaml", ["encoder.name=resenc_unet", "encoder.dimensions=2", "encoder.stem_stride=2",
                                        "encoder.features=[32,64,128,256]", "encoder.strides=[1,2,2,2]",
                                        "encoder.blocks=[1,1,1,1]"], ["method.decoder_widths=[16,32,64,128]"]),
}
SIZE = ["prepare.fit_size=64"]


class Study(study_runs.ListRuns):
    def __init__(self, options):
        super().__init__(options)
        self.steps = dict(word.split("=", 1) for word in options.steps)

    def make(self, name, make):
        """A cell's answer; None where it was not run and only tables are wanted."""
        return self.cell(name, None if self.o.tables else make)

    def source(self, data):
        return self.o.pretrain_on or data

    def pretrain(self, data, method, seed):
        preset, network, more = METHODS[method]
        source = self.source(data)
        return self.make(f"{source}-{method}-{seed}-pretrain", lambda: self.marrow(
            "pretrain", "--config", preset, "--data", self.lists[source], "--out", self.run(data, method, seed), "--seed", seed,
            *network, *more, f"train.steps={self.steps[method]}", "train.batch_size=32", *SIZE, *self.o.prepare))

    def run(self, data, method, seed):
        return self.out / "runs" / f"{self.source(data)}-{method}-{seed}"

    def name(self, data, method, seed, pretrained):
        """Of a cell: whatever an encoder learnt from, untrained it is the same."""
        from_others = pretrained and self.source(data) != data
        return f"{data}-{f'{self.source(data)}-' if from_others else ''}{method}-{seed}"

    def probe(self, data, method, seed, initial):
        words = ["--initial"] if initial else []
        kind = "initial" if initial else "trained"
        return self.make(f"{self.name(data, method, seed, not initial)}-probe-{kind}", lambda: self.marrow(
            "probe", self.run(data, method, seed), "--data", self.lists[data], "--seed", seed, *words,
            "probe.budgets=[1,2,5,20]", "probe.draws=10", "probe.resamples=200", "probe.kinds=[knn,linear]", "probe.k=1"))

    def finetune(self, data, method, seed, pretrained):
        name = f"{self.name(data, method, seed, pretrained)}-{'from' if pretrained else 'scratch'}-{self.o.cases}"
        start = [self.run(data, method, seed)] if pretrained else ["none", *METHODS[method][1], *self.o.prepare]
        return self.make(f"finetune-{name}", lambda: self.classify(data, name, seed, "--from", *start))

    def work(self):
        for seed in self.o.seeds:
            for data in self.lists:
                for method in self.o.methods:
                    self.pretrain(data, method, seed)
                    for trained in (True, False):
                        self.probe(data, method, seed, not trained)
                        self.finetune(data, method, seed, trained)

    def tables(self):
        for measure, name in (("accuracy", "accuracy"), ("macro_auroc", "AUROC")):
            print(f"\nProbes, {name}, mean over seeds ± standard deviation\n")
            print("| data | network | start | probe | 1 | 2 | 5 | 20 per class |\n| --- | --- | --- | --- | --- | --- | --- | --- |")
            for data in self.lists:
                for method in self.o.methods:
                    for initial in (False, True):
                        cells = [self.probe(data, method, seed, initial) for seed in self.o.seeds]
                        for kind in ("knn", "linear"):
                            row = []
                            for budget in (1, 2, 5, 20):
                                row.append(mean_text([next((r[measure] for r in cell["per_fraction"]
                                                            if r["probe"] == kind and r["per_class"] == budget), None)
                                                      for cell in cells if cell]))
                            print(f"| {data} | {method} | {'untrained' if initial else 'pretrained'} | {kind} | {' | '.join(row)} |")
        print(f"\nFine-tuned with {self.o.cases} labels of each class, test pictures\n")
        print("| data | network | start | accuracy | AUROC | seconds of pretraining |\n| --- | --- | --- | --- | --- | --- |")
        for data in self.lists:
            for method in self.o.methods:
                for pretrained in (True, False):
                    cells = [self.finetune(data, method, seed, pretrained) for seed in self.o.seeds]
                    done = [cell["mean"] for cell in cells if cell]
                    seconds = [cell["seconds"] for cell in (self.pretrain(data, method, seed) for seed in self.o.seeds) if cell]
                    print(f"| {data} | {method} | {'pretrained' if pretrained else 'scratch'} | "
                          f"{mean_text([m['accuracy'] for m in done])} | {mean_text([m['macro_auroc'] for m in done])} | "
                          f"{statistics.fmean(seconds) if pretrained and seconds else 0:.0f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    study_runs.add_list_options(parser)
    parser.add_argument("--seeds", type=int, nargs="+", default=[17, 18, 19])
    parser.add_argument("--steps", nargs=2, default=["mae=4000", "spark=3000"], metavar="METHOD=N", help="of pretraining, in batches of 32")
    parser.add_argument("--pretrain-on", metavar="NAME", help="pretrain on this list alone, probe and fine-tune on all")
    parser.add_argument("--prepare", nargs="*", default=[], help="further settings of preparing the pictures")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    Study(parser.parse_args()).go()


if __name__ == "__main__":
    main()
