"""What pretrained features of pictures have to beat: nearest neighbour by cosine on raw pixels and on the features of torchvision's
untrained ResNet-18, on the lists of bench/picture_study.py.

    .peers/bin/python bench/peers/picture_baselines.py mednist.csv covid.csv

Pictures are grey, the longer side 64 pixels, filled up with their smallest value to 64 x 64. Means over draws of labels (and over seeds
of the network), accuracy on the pictures of the split "test".
"""

import argparse
import csv
import pathlib
import statistics

import numpy
import torch
import torchvision
from PIL import Image

SIZE = 64


def picture(file):
    image = Image.open(file).convert("L")
    scale = SIZE / max(image.size)
    grey = numpy.asarray(image.resize([max(1, round(side * scale)) for side in image.size], Image.Resampling.BILINEAR), dtype="f4")
    whole = numpy.full((SIZE, SIZE), grey.min(), dtype="f4")
    whole[: grey.shape[0], : grey.shape[1]] = grey
    return whole / 255


def untrained(pictures, seed):
    torch.manual_seed(seed)
    network = torchvision.models.resnet18().eval()
    network.fc = torch.nn.Identity()
    with torch.no_grad():
        batches = torch.from_numpy(pictures)[:, None].expand(-1, 3, -1, -1).split(100)
        return torch.cat([network(batch) for batch in batches]).numpy()


def nearest(features, labels, train, budget, draws):
    features = features / numpy.maximum(numpy.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    generator = numpy.random.default_rng(17)
    scores = []
    for _ in range(draws):
        known = numpy.concatenate([generator.choice(rows, min(budget, len(rows)), replace=False) for rows in
                                   (numpy.flatnonzero(train & (labels == label)) for label in sorted(set(labels)))])
        said = labels[known][(features[~train] @ features[known].T).argmax(1)]
        scores.append(float((said == labels[~train]).mean()))
    return statistics.fmean(scores)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lists", nargs="+", type=pathlib.Path)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print("| data | features | 1 | 2 | 5 | 20 per class |\n| --- | --- | --- | --- | --- | --- |")
    for file in args.lists:
        rows = list(csv.DictReader(file.open(encoding="utf-8")))
        pictures = numpy.stack([picture(file.parent / row["image"]) for row in rows])
        labels = numpy.array([row["label"] for row in rows])
        train = numpy.array([row["split"] == "train" for row in rows])
        kinds = {"raw pixels": [pictures.reshape(len(rows), -1)],
                 "untrained ResNet-18": [untrained(pictures, seed) for seed in (17, 18, 19)]}
        for name, each in kinds.items():
            cells = [f"{statistics.fmean(nearest(features, labels, train, budget, args.draws) for features in each):.3f}"
                     for budget in (1, 2, 5, 20)]
            print(f"| {file.stem} | {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
