#!/usr/bin/env python3
"""Converts real DICOM folders with marrow and with dcm2niix, one after the other, and judges both against the truth.

    .peers/bin/python bench/peers/convert_compare.py --data SHARED_DATA [--build build] [--repeats 3]

The truth of a case is the conversion that the publisher of the series ships with it (voxel by voxel, after both are brought to
canonical orientation), or, where there is none, the grid that its README states. A case is `right` when every expected volume is
there and nothing else, `refused` when a volume is missing and a message says why, `wrong` when a volume is there whose grid or
voxels are not the truth's, `silent` when a volume is missing without a word. Prints a Markdown table.
"""

import argparse
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import nibabel
import numpy

AFFINE_MM = 1e-3


def canonical(image):
    image = nibabel.as_closest_canonical(image)
    data = numpy.asanyarray(image.dataobj)
    affine = image.affine
    return [(data[..., n] if data.ndim == 4 else data, affine)
            for n in range(data.shape[3] if data.ndim == 4 else 1)]


def volumes(folder):
    found = []
    for file in sorted(folder.rglob("*.nii*")):
        found += canonical(nibabel.load(file))
    return found


def same_grid(a, b):
    return a[0].shape == b[0].shape and numpy.abs(a[1] - b[1]).max() <= AFFINE_MM


def same_voxels(a, b, scaled):
    x, y = a[0].astype(float), b[0].astype(float)
    if scaled and numpy.abs(x).sum() > 0:  # the reference carries a constant factor of the vendor
        factor = y.sum() / x.sum()
        if abs(factor - 1) > 1e-3:
            x = x * factor
    return numpy.abs(x - y).max() <= 1e-4 * max(1.0, numpy.abs(y).max())


def match(found, expected, scaled):
    """(right, wrong, missing): every expected volume is met by one that was found."""
    left = list(found)
    right = 0
    for truth in expected:
        for n, one in enumerate(left):
            if same_grid(one, truth) and same_voxels(one, truth, scaled):
                left.pop(n)
                right += 1
                break
    return right, len(left), len(expected) - right


def match_grids(found, expected):
    left = list(found)
    right = 0
    for size, step in expected:
        for n, (data, affine) in enumerate(left):
            spacing = sorted(numpy.linalg.norm(affine[:3, :3], axis=0))
            if sorted(data.shape) == sorted(size) and abs(spacing[-1] - step) < 1e-2:
                left.pop(n)
                right += 1
                break
    return right, len(left), len(expected) - right


class Marrow:
    name = "marrow"

    def __init__(self, build):
        self.program = str(build / "marrow")

    def run(self, source, out):
        answer = subprocess.run([self.program, "convert", str(source), "-o", str(out / "nifti"), "--work", str(out / "work"),
                                 "--progress", "none"], capture_output=True, text=True)
        return "refused:" in answer.stderr or answer.returncode in (3, 4, 5, 6, 7)


class Dcm2niix:
    name = "dcm2niix"

    def __init__(self):
        self.program = str(pathlib.Path(sys.executable).parent / "dcm2niix")

    def run(self, source, out):
        (out / "nifti").mkdir(parents=True)
        answer = subprocess.run([self.program, "-z", "y", "-b", "n", "-d", "9", "-f", "%s_%d_%e_%z", "-o", str(out / "nifti"), str(source)],
                                capture_output=True, text=True)
        text = answer.stdout + answer.stderr
        return answer.returncode != 0 or "Warning" in text or "Error" in text or "Unable" in text


def judge(tool, case, repeats):
    seconds = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder)
            start = time.monotonic()
            said = tool.run(case["source"], out)
            seconds.append(time.monotonic() - start)
            found = volumes(out / "nifti") if (out / "nifti").exists() else []
    if "volumes" in case:
        right, other, missing = match(found, case["volumes"], case.get("scaled", False))
    else:
        right, other, missing = match_grids(found, case["grids"])
    if other and not missing and case.get("allow_more"):
        verdict = f"right, and {other} more"
    elif other:
        verdict = "wrong"
    elif missing:
        verdict = "refused" if said else "silent"
    else:
        verdict = "right"
    return verdict, right, other, missing, statistics.median(seconds)


def cases(data):
    for folder in sorted((data / "dicom_series").iterdir()):
        if not folder.is_dir():
            continue
        case = {"name": folder.name, "source": folder / "dicom", "scaled": folder.name.startswith("philips_enhanced")}
        if folder.name == "philips_ct_gantry_tilt":
            case["grids"] = [((512, 554, 26), 2.3708)]
            case["allow_more"] = True  # the sheared grid itself, honestly labelled
        elif folder.name == "siemens_transfer_syntaxes":
            case["volumes"] = volumes(folder / "reference") * 9
        else:
            case["volumes"] = volumes(folder / "reference")
        yield case
    yield {"name": "dicom_mixed", "source": data / "dicom_mixed" / "dicom", "grids": [((260, 320, 24), 6.5)] * 2,
           "allow_more": True}  # pictures of what is no series of slices
    prostate = data / "prostatex_dicom"
    yield {"name": "prostatex (7 series, 3 b-values in one)", "source": prostate / "ProstateX-0000",
           "grids": [((320, 320, 19), 3.6), ((384, 384, 19), 3.0), ((320, 320, 15), 3.0), ((128, 128, 16), 3.0)]
           + [((84, 128, 19), 3.0)] * 5}
    # No correct volume exists: a slice is missing. Anything but a refusal is wrong.
    yield {"name": "prostatex, a slice missing", "source": prostate / "ProstateX-0000-missing-slice", "grids": [],
           "must_refuse": True}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build"))
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    tools = [Marrow(arguments.build)]
    if (pathlib.Path(sys.executable).parent / "dcm2niix").exists():
        tools.append(Dcm2niix())
    else:
        print("dcm2niix is not in this environment: skipped", file=sys.stderr)
    print("| case | " + " | ".join(f"{tool.name} | seconds" for tool in tools) + " |")
    print("| --- |" + " --- | ---: |" * len(tools))
    totals = {tool.name: {} for tool in tools}
    for case in cases(arguments.data):
        row = []
        for tool in tools:
            verdict, right, other, missing, seconds = judge(tool, case, arguments.repeats)
            if case.get("must_refuse"):
                verdict = "wrong" if other else "refused (right)"
            totals[tool.name][verdict] = totals[tool.name].get(verdict, 0) + 1
            detail = "" if verdict.startswith(("right", "refused (right)")) else f" ({right} right, {other} other, {missing} missing)"
            row.append(f"{verdict}{detail} | {seconds:.2f}")
        print(f"| {case['name']} | " + " | ".join(row) + " |", flush=True)
    print()
    for name, counts in totals.items():
        print(f"{name}: " + ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())))


if __name__ == "__main__":
    main()
