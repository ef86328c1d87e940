"""The plain bar for pretraining: MONAI's UNet taught to restore zeroed blocks of the unlabelled volumes (mean squared error
over the hidden voxels), nothing sparse, nothing hierarchical. Writes its weights for monai_hippocampus.py --pretrained;
the last layer has another width there and stays random."""

import argparse
import json
import time

import torch
from monai.data import CacheDataset, DataLoader
from monai.transforms import Compose, RandFlipd, RandSpatialCropd
from monai.utils import set_determinism
from safetensors.torch import save_file

import hippocampus
from monai_hippocampus import Repeated


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--patch", type=int, nargs=3, default=[40, 56, 40])
    parser.add_argument("--block", type=int, default=8, help="edge of a hidden block in voxels")
    parser.add_argument("--mask-ratio", type=float, default=0.6)
    parser.add_argument("--lr", type=float, default=3e-3)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    set_determinism(args.seed)
    keys = hippocampus.splits(args.data)["unlabelled"]
    load = hippocampus.loading(args.patch, labelled=False)
    augment = [RandSpatialCropd(keys="image", roi_size=args.patch, random_size=False),
               *[RandFlipd(keys="image", prob=0.5, spatial_axis=axis) for axis in range(3)]]
    train = CacheDataset(hippocampus.cases(args.data, keys, labelled=False), Compose([*load.transforms, *augment]),
                         progress=False)
    loader = DataLoader(train, batch_size=args.batch, sampler=Repeated(len(keys), args.steps * args.batch, args.seed))
    net = hippocampus.network(out_channels=1).to(memory_format=torch.channels_last_3d)
    optimizer = torch.optim.AdamW(net.parameters(), args.lr, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, args.lr, total_steps=args.steps)
    generator = torch.Generator().manual_seed(args.seed)
    begin = time.perf_counter()
    for step, batch in enumerate(loader, 1):
        image = batch["image"].as_tensor()
        cells = [n // args.block for n in args.patch]
        hidden = torch.rand((len(image), 1, *cells), generator=generator) < args.mask_ratio
        for axis in range(3):
            hidden = hidden.repeat_interleave(args.block, dim=axis + 2)
        seen = image.masked_fill(hidden, 0).to(memory_format=torch.channels_last_3d)
        loss = ((net(seen) - image)[hidden] ** 2).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 100 == 0 or step == args.steps:
            print(json.dumps({"step": step, "loss": round(loss.item(), 4),
                              "train_seconds": round(time.perf_counter() - begin, 2)}), flush=True)
    # The parameters of the last layer have out_channels in their shape and are left out by monai_hippocampus.py.
    save_file({name: tensor.contiguous() for name, tensor in net.state_dict().items()}, args.out)


if __name__ == "__main__":
    main()
