"""Dice and HD95 of label maps against a second folder of them (same names), with MONAI or DeepMind's surface-distance.

As a measurement it prints the time; with --values it prints the scores per case and structure, for parity. Both tools take
the larger of the two directed 95th percentiles (our `directed`). Surface-distance weighs surface elements by their area
and so measures between element centres, half a voxel off MONAI's voxel edges; its Dice is that of the voxels.
"""

import json
import pathlib

import nibabel
import numpy as np

import peer


def pairs(reference, prediction):
    files = sorted(f.name for f in reference.iterdir() if f.name.endswith((".nii", ".nii.gz")))
    for name in files:
        if not (prediction / name).exists():
            continue
        image = nibabel.load(reference / name)
        spacing = [float(s) for s in image.header.get_zooms()[:3]]
        yield name, np.asarray(image.dataobj), np.asarray(nibabel.load(prediction / name).dataobj), spacing


def scores_by_monai(reference, prediction, spacing, values):
    import torch
    from monai.metrics import compute_dice, compute_hausdorff_distance

    one_hot = [torch.from_numpy(np.stack([x == v for v in values]))[None] for x in (prediction, reference)]
    dice = compute_dice(*one_hot, include_background=True, ignore_empty=False)
    hd95 = compute_hausdorff_distance(*one_hot, include_background=True, percentile=95, spacing=spacing)
    return {str(v): {"dice": float(dice[0, n]), "hd95": float(hd95[0, n])} for n, v in enumerate(values)}


def scores_by_surface_distance(reference, prediction, spacing, values):
    import surface_distance

    result = {}
    for value in values:
        p, q = prediction == value, reference == value
        distances = surface_distance.compute_surface_distances(q, p, spacing)
        result[str(value)] = {"dice": float(surface_distance.compute_dice_coefficient(q, p)),
                              "hd95": float(surface_distance.compute_robust_hausdorff(distances, 95))}
    return result


def main():
    parser = peer.parser(__doc__)
    parser.add_argument("reference", type=pathlib.Path)
    parser.add_argument("prediction", type=pathlib.Path)
    parser.add_argument("--tool", choices=["monai", "surface-distance"], default="monai")
    parser.add_argument("--structures", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--values", action="store_true")
    args = parser.parse_args()
    cases = list(pairs(args.reference, args.prediction))
    score = scores_by_monai if args.tool == "monai" else scores_by_surface_distance
    if args.tool == "monai":
        import torch

        torch.set_num_threads(args.threads)
    if args.values:
        print(json.dumps({name: score(q, p, spacing, args.structures) for name, q, p, spacing in cases}))
        return

    def work():
        for _, q, p, spacing in cases:
            score(q, p, spacing, args.structures)
        return len(cases)

    peer.measure(args, args.tool, work, cases=len(cases))


if __name__ == "__main__":
    main()
