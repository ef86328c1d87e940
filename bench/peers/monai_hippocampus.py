"""The peer for few-label segmentation: MONAI's UNet trained on MSD Task04 as a MONAI user would.

Prints one JSON line per report: {labels, seed, step, steps, train_seconds, total_seconds, dice, mean, ...}.
train_seconds: the training loop with its loader, without reading and caching the cases and without evaluation;
total_seconds: everything since the start of the process but earlier evaluations.
"""

import argparse
import json
import sys
import time

START = time.perf_counter()

import torch
from monai.data import CacheDataset, DataLoader
from monai.losses import DiceCELoss
from monai.transforms import (Compose, RandAdjustContrastd, RandAffined, RandFlipd, RandGaussianNoised,
                              RandScaleIntensityd, RandShiftIntensityd, RandSpatialCropd)
from monai.utils import set_determinism

import hippocampus


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="MSD Task04 subset with splits.json")
    parser.add_argument("--labels", type=int, default=20, help="a few-shot list of splits.json")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--report-at", type=int, nargs="*", default=[], help="evaluate after these steps too")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workers", type=int, default=0, help="loader processes; 0: in the training process")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--patch", type=int, nargs=3, default=[40, 56, 40])
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--schedule", choices=["constant", "one_cycle"], default="one_cycle")
    parser.add_argument("--optimizer", choices=["adam", "adamw"], default="adamw")
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--flip-axes", type=int, nargs="*", default=[0], help="0: left and right")
    parser.add_argument("--no-augmentation", action="store_true")
    parser.add_argument("--pretrained", help="state dict (.safetensors) of dense_masked_pretrain.py")
    parser.add_argument("--cases", type=int, default=0, help="evaluate on this many validation cases only (0: all)")
    return parser.parse_args()


def augmentation(patch, flip_axes):
    both = ["image", "label"]
    return Compose([
        RandAffined(keys=both, prob=0.5, rotate_range=[0.26] * 3, scale_range=[0.15] * 3, mode=("bilinear", "nearest"),
                    padding_mode="zeros", cache_grid=False),
        RandSpatialCropd(keys=both, roi_size=patch, random_size=False),
        *[RandFlipd(keys=both, prob=0.5, spatial_axis=axis) for axis in flip_axes],
        RandScaleIntensityd(keys="image", factors=0.2, prob=0.3),
        RandShiftIntensityd(keys="image", offsets=0.1, prob=0.3),
        RandAdjustContrastd(keys="image", prob=0.2, gamma=(0.7, 1.5)),
        RandGaussianNoised(keys="image", prob=0.2, std=0.1),
    ])


class Repeated(torch.utils.data.Sampler):
    """Shuffled passes over the cases, one after the other, so that two labels fill a batch of four too."""

    def __init__(self, cases, total, seed):
        self.cases, self.total, self.seed = cases, total, seed

    def __len__(self):
        return self.total

    def __iter__(self):
        generator = torch.Generator().manual_seed(self.seed)
        left = self.total
        while left > 0:
            order = torch.randperm(self.cases, generator=generator)[:left].tolist()
            yield from order
            left -= len(order)


def load_pretrained(net, path):
    from safetensors.torch import load_file

    own = net.state_dict()
    taken = {k: v for k, v in load_file(path).items() if k in own and own[k].shape == v.shape}
    own.update(taken)
    net.load_state_dict(own)
    print(f"loaded {len(taken)} of {len(own)} tensors from {path}", file=sys.stderr)


def main():
    args = arguments()
    torch.set_num_threads(args.threads)
    set_determinism(args.seed)
    split = hippocampus.splits(args.data)
    few = split["few_shot"][str(args.labels)]
    augment = Compose([RandSpatialCropd(keys=["image", "label"], roi_size=args.patch, random_size=False)]
                      if args.no_augmentation else [augmentation(args.patch, args.flip_axes)])
    train = CacheDataset(hippocampus.cases(args.data, few),
                         Compose([*hippocampus.loading(args.patch).transforms, augment]), progress=False)
    plain = hippocampus.loading([1, 1, 1])
    validation = [plain(c) for c in hippocampus.cases(args.data, split["val"])[:args.cases or None]]

    net = hippocampus.network()
    if args.pretrained:
        load_pretrained(net, args.pretrained)
    if args.channels_last:
        net = net.to(memory_format=torch.channels_last_3d)
    loss_of = DiceCELoss(to_onehot_y=True, softmax=True)
    optimizer = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[args.optimizer](
        net.parameters(), args.lr, fused=True)
    schedule = (torch.optim.lr_scheduler.OneCycleLR(optimizer, args.lr, total_steps=args.steps)
                if args.schedule == "one_cycle" else None)
    loader = DataLoader(train, batch_size=args.batch, sampler=Repeated(len(few), args.steps * args.batch, args.seed),
                        num_workers=args.workers, persistent_workers=args.workers > 0)

    trained, evaluating = 0.0, 0.0
    begin = time.perf_counter()
    for step, batch in enumerate(loader, 1):
        image, label = batch["image"].as_tensor(), batch["label"].as_tensor()
        if args.channels_last:
            image = image.to(memory_format=torch.channels_last_3d)
        loss = loss_of(net(image), label)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        if schedule:
            schedule.step()
        if step == args.steps or step in args.report_at:
            pause = time.perf_counter()
            trained += pause - begin
            scores = hippocampus.evaluate(net, validation, args.channels_last)
            mean = scores.pop("mean")
            begin = time.perf_counter()
            print(json.dumps({"peer": "monai", "labels": args.labels, "seed": args.seed, "step": step,
                              "steps": args.steps, "train_seconds": round(trained, 2),
                              "total_seconds": round(begin - START - evaluating, 2),
                              "dice": {k: round(v, 4) for k, v in scores.items()}, "mean": round(mean, 4),
                              "loss": round(loss.item(), 4), "lr": args.lr, "schedule": args.schedule,
                              "optimizer": args.optimizer, "patch": args.patch, "batch": args.batch,
                              "threads": args.threads, "workers": args.workers,
                              "flip_axes": args.flip_axes, "pretrained": bool(args.pretrained),
                              "validation_cases": len(validation)}), flush=True)
            evaluating += begin - pause


if __name__ == "__main__":
    main()
