#!/usr/bin/env python3
"""Tumours of the brain from three channels of MR (T1 after contrast, FLAIR, ADC) with the tumour masks of Brain-Tumor-Progression:
each patient in turn is left out and predicted by a network that learnt from the others, slice by slice since slices are 6.5 mm thick.

    bench/brain_tumor_study.py --data DATA/brain_tumor_progression --out study

Five exams of three patients: this shows that the line works, and how well from so few; it is no benchmark of methods.
"""

import argparse
import csv
import json
import pathlib

import study_runs

CHANNELS = ("T1post", "FLAIR", "ADC")
SETTINGS = """base: finetune/segment.yaml
encoder:
  name: resenc_unet
  dimensions: 2
  input_channels: 3
  stem_stride: 2
  features: [32, 64, 128, 256]
  strides: [1, 2, 2, 2]
  blocks: [1, 1, 1, 1]
head:
  name: unet_decoder
  widths: [16, 32, 64, 128]
data:
  patch_size: [160, 160]
sampler:
  name: slice
  foreground: 0.5
prepare:
  # In the plane and across it: slices stay as they were taken.
  spacing_mm: [1.2, 1.2, 6.5]
train:
  batch_size: 8
  lr: 3.0e-3
"""


class Study(study_runs.Runs):
    def __init__(self, options):
        super().__init__(options)
        self.data = pathlib.Path(options.data).resolve()

    def exams(self):
        """(patient, exam, [channel, ...], mask): the masks of DICOM exams are series, too, and become NIfTI."""
        for exam in sorted((self.data / "dicom").glob("*/*")):
            series = {name: next(exam.glob(f"*-{name}*")) for name in (*CHANNELS, "MaskTumor")}
            name = f"{exam.parent.name}_{exam.name}"
            masks = self.out / "masks" / name
            if not list(masks.glob("*.nii.gz")):
                self.marrow("convert", series["MaskTumor"], "-o", masks)
            yield exam.parent.name, name, [series[c] for c in CHANNELS], next(masks.glob("*.nii.gz"))
        for mask in sorted((self.data / "nifti_half").glob("*_MaskTumor.nii.gz")):
            name = mask.name.removesuffix("_MaskTumor.nii.gz")
            yield name.split("_")[0], name, [mask.with_name(f"{name}_{c}.nii.gz") for c in CHANNELS], mask

    def write_list(self, folder, exams, left_out, without=None):
        """All exams, those of one patient for testing; with `without` these alone and without that channel."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "dataset.json").write_text(json.dumps({"labels": {"background": 0, "tumour": 1}}), encoding="utf-8")
        with open(folder / "list.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["image", "label", "patient", "split", "case"])
            for patient, name, channels, mask in exams:
                if without:
                    if patient != left_out:
                        continue
                    channels = [c for c, channel in zip(channels, CHANNELS) if channel != without]
                writer.writerow([";".join(map(str, channels)), mask, patient, "test" if patient == left_out else "train", name])
        return folder / "list.csv"

    def go(self):
        exams = list(self.exams())
        settings = self.out / "settings.yaml"
        settings.write_text(SETTINGS, encoding="utf-8")
        print("| patient left out | exam | Dice | voxels (true) |\n| --- | --- | ---: | ---: |")
        for patient in sorted({exam[0] for exam in exams}):
            data = self.write_list(self.out / patient, exams, patient)
            run = self.out / "runs" / patient
            self.marrow("finetune", "segment", "--config", settings, "--from", "none", "--data", data, "--out", run,
                        f"train.steps={self.o.steps}")
            self.marrow("evaluate", run, "--data", data)
            summary = json.loads((run / "evaluation" / "summary.json").read_text(encoding="utf-8"))
            for case in summary["metric_per_case"]:
                numbers = case["metrics"]["1"]
                print(f"| {patient} | {case['case']} | {numbers['Dice']:.3f} | {numbers['n_pred']} ({numbers['n_ref']}) |", flush=True)
            without = self.write_list(self.out / f"{patient}-no-flair", exams, patient, "FLAIR")
            code, _, said = self.attempt("evaluate", run, "--data", without)
            print(f"\nthe same without FLAIR: exit code {code}, {said.splitlines()[-1]}\n", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    study_runs.add_options(parser)
    parser.add_argument("--steps", type=int, default=400)
    Study(parser.parse_args()).go()


if __name__ == "__main__":
    main()
