#!/usr/bin/env python3
"""Fine-tunes the encoders of `marrow reduce --ab` with few labels, beside the same network untrained; started again it goes on.

    marrow reduce --ab pretrain/spark2d.yaml --probe mednist.csv --out ab
    bench/reduction_study.py --ab ab --list mednist=mednist.csv --list covid=covid.csv --out study

A list is a CSV (image,label[,patient],split) with splits train and test. All encoders of a seed get the same labels, so that
differences are paired; the table is over test pictures.
"""

import argparse
import json
import pathlib

import study_runs


class Study(study_runs.ListRuns):
    def __init__(self, options):
        super().__init__(options)
        self.ab = pathlib.Path(options.ab).resolve()
        self.encoders = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(self.ab.glob("*/cell.json"))]

    def untrained(self):
        """The encoders' network as a configuration of the fine-tuning, which else starts with one of its own."""
        encoder = json.loads((self.ab / self.encoders[0]["run"] / "encoder" / "config.json").read_text(encoding="utf-8"))
        file = self.out / "untrained.yaml"
        file.write_text("base: finetune/classify.yaml\n" + encoder["encoder_yaml"], encoding="utf-8")
        return file

    def finetune(self, data, seed, name, *start):
        return self.classify(data, f"{data}-{seed}-{name}", seed, *start)["mean"]

    def work(self):
        for data in self.lists:
            for seed in sorted({encoder["seed"] for encoder in self.encoders}):
                self.cell(f"{data}-{seed}-untrained",
                          lambda: self.finetune(data, seed, "untrained", "--from", "none", "--config", self.untrained()))
                for encoder in self.encoders:
                    if encoder["seed"] == seed:
                        self.cell(f"{data}-{encoder['run']}",
                                  lambda: self.finetune(data, seed, encoder["run"], "--from", self.ab / encoder["run"]))

    def tables(self):
        seeds = sorted({encoder["seed"] for encoder in self.encoders})
        arms = sorted({(encoder["arm"], encoder["steps"]) for encoder in self.encoders}, key=lambda arm: (arm[0] != "all", arm))
        for measure in ("macro_auroc", "accuracy"):
            print(f"\nFine-tuned with {self.o.cases} labels of each class, {measure}, mean over seeds ± standard deviation; in brackets "
                  "the mean difference to `all`, smallest and largest\n")
            print("| data | untrained | " + " | ".join(f"{arm}, {steps} steps" for arm, steps in arms) + " |")
            print("| --- |" + " ---: |" * (len(arms) + 1))
            for data in self.lists:
                def value(name):
                    found = self.cell(f"{data}-{name}")
                    return found and found[measure]

                def of(arm, steps):
                    runs = {encoder["seed"]: encoder["run"] for encoder in self.encoders
                            if (encoder["arm"], encoder["steps"]) == (arm, steps)}
                    return [value(runs[seed]) if seed in runs else None for seed in seeds]

                reference = of(*arms[0])
                row = []
                for values in ([value(f"{seed}-untrained") for seed in seeds], *(of(*arm) for arm in arms)):
                    gains = [a - b for a, b in zip(values, reference) if a is not None and b is not None]
                    same = values == reference or not gains
                    row.append(study_runs.mean_text(values) + ("" if same else
                               f" ({sum(gains) / len(gains):+.3f}, {min(gains):+.3f} to {max(gains):+.3f})"))
                print(f"| {data} | {' | '.join(row)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ab", required=True, help="folder of marrow reduce --ab")
    study_runs.add_list_options(parser)
    Study(parser.parse_args()).go()


if __name__ == "__main__":
    main()
