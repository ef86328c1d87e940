"""One SparK pretraining step (masking, forward, loss, backward, AdamW) in eager PyTorch: the peer of spark_bench.

The same residual encoder, the same masks, the same decoder and loss as ours, written the way SparK's authors write it: dense
layers whose output is multiplied by the mask, norms over the visible positions. The batch is drawn beforehand; the loader is
measured elsewhere.
"""

import torch
from torch import nn
from torch.nn import functional as F

import peer


class Visible:
    """The mask of the step, repeated to the size of a map; handed through the forward calls."""

    def __init__(self, grid):
        self.grid = grid
        self.maps = {}

    def at(self, spatial):
        key = tuple(spatial)
        if key not in self.maps:
            mask = self.grid
            for axis, size in enumerate(key, 2):
                mask = mask.repeat_interleave(size // mask.shape[axis], dim=axis)
            self.maps[key] = mask
        return self.maps[key]


class SparseInstanceNorm(nn.Module):
    """Statistics per sample and channel over visible positions."""

    def __init__(self, channels, how):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.how = how

    def forward(self, x, visible):
        mask = visible.at(x.shape[2:])
        if self.how == "gather":
            rows = x.movedim(1, -1)
            seen = rows[mask[:, 0]].view(len(x), -1, x.shape[1])  # [B, n, C]: equal counts
            y = F.instance_norm(seen.transpose(1, 2), weight=self.weight, bias=self.bias)
            out = torch.zeros_like(rows)
            out[mask[:, 0]] = y.transpose(1, 2).reshape(-1, x.shape[1])
            return out.movedim(-1, 1)
        count = mask[0].sum()
        shown = x * mask
        mean = shown.sum((2, 3, 4), keepdim=True) / count
        variance = ((shown - mean) * mask).square().sum((2, 3, 4), keepdim=True) / count
        scale = self.weight.view(1, -1, 1, 1, 1) * torch.rsqrt(variance + 1e-5)
        return ((shown - mean) * scale + self.bias.view(1, -1, 1, 1, 1)) * mask


class ConvNormAct(nn.Module):
    def __init__(self, cin, cout, kernel, stride, how, act=True):
        super().__init__()
        self.conv = nn.Conv3d(cin, cout, kernel, stride, kernel // 2, bias=False)
        self.norm = SparseInstanceNorm(cout, how)
        self.act = act

    def forward(self, x, visible, residual=None):
        # As in SparK's code every layer masks its own output; the norm alone would do.
        y = self.conv(x)
        y = self.norm(y, visible)
        if residual is not None:
            y = y + residual
        return F.leaky_relu(y, 0.01) if self.act else y


class ResidualBlock(nn.Module):
    def __init__(self, cin, cout, stride, how):
        super().__init__()
        self.conv1 = ConvNormAct(cin, cout, 3, stride, how)
        self.conv2 = ConvNormAct(cout, cout, 3, 1, how)
        self.stride = stride
        self.skip = ConvNormAct(cin, cout, 1, 1, how, act=False) if cin != cout else None

    def forward(self, x, visible):
        identity = x
        if self.stride > 1:
            identity = F.avg_pool3d(x, self.stride)
            identity = identity * visible.at(identity.shape[2:])
        if self.skip is not None:
            identity = self.skip(identity, visible)
        return self.conv2(self.conv1(x, visible), visible, identity)


class Encoder(nn.Module):
    def __init__(self, features, strides, blocks, how):
        super().__init__()
        self.stem = ConvNormAct(1, features[0], 3, 1, how)
        self.stages = nn.ModuleList()
        cin = features[0]
        for cout, stride, count in zip(features, strides, blocks):
            stage = nn.ModuleList()
            for n in range(count):
                stage.append(ResidualBlock(cin, cout, stride if n == 0 else 1, how))
                cin = cout
            self.stages.append(stage)

    def forward(self, x, visible):
        x = self.stem(x * visible.at(x.shape[2:]), visible)
        maps = []
        for stage in self.stages:
            for block in stage:
                x = block(x, visible)
            maps.append(x)
        return maps


class DecoderBlock(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.up = nn.ConvTranspose3d(cin, cin, 4, 2, 1)
        self.body = nn.Sequential(nn.Conv3d(cin, cin, 3, padding=1, bias=False), nn.BatchNorm3d(cin), nn.ReLU6(inplace=True),
                                  nn.Conv3d(cin, cout, 3, padding=1, bias=False), nn.BatchNorm3d(cout))

    def forward(self, x):
        return self.body(self.up(x))


class Spark(nn.Module):
    def __init__(self, args):
        super().__init__()
        self.encoder = Encoder(args.features, args.strides, args.blocks, args.norm)
        total = 1
        for stride in args.strides:
            total *= stride
        self.stride, self.ratio = total, args.mask_ratio
        count = total.bit_length() - 1
        widths = [args.width // 2**n for n in range(count + 1)]
        self.norms, self.projections, self.tokens = nn.ModuleList(), nn.ModuleList(), nn.ParameterList()
        for level, channels in enumerate(reversed(args.features)):
            if level >= count:
                break
            self.norms.append(SparseInstanceNorm(channels, args.norm))
            self.tokens.append(nn.Parameter(torch.randn(1, channels, 1, 1, 1) * 0.02))
            kernel = 1 if level == 0 else 3
            same = level == 0 and channels == widths[0]
            self.projections.append(nn.Identity() if same else nn.Conv3d(channels, widths[level], kernel,
                                                                         padding=kernel // 2))
        self.decoder = nn.ModuleList(DecoderBlock(a, b) for a, b in zip(widths, widths[1:]))
        self.last = nn.Conv3d(widths[-1], 1, 1)

    def patches(self, x):
        p = self.stride
        b, c, d, h, w = x.shape
        x = x.view(b, c, d // p, p, h // p, p, w // p, p)
        return x.permute(0, 2, 4, 6, 3, 5, 7, 1).reshape(b, -1, p**3 * c)

    def forward(self, x):
        grid = [n // self.stride for n in x.shape[2:]]
        cells = grid[0] * grid[1] * grid[2]
        keep = round(cells * (1 - self.ratio))
        order = torch.rand(len(x), cells).argsort(1)[:, :keep]
        shown = torch.zeros(len(x), cells, dtype=torch.bool).scatter_(1, order, True)
        visible = Visible(shown.view(len(x), 1, *grid))
        y = 0
        maps = self.encoder(x, visible)[::-1]
        for level, block in enumerate(self.decoder):
            if level < len(self.norms):
                feature = self.norms[level](maps[level], visible)
                mask = visible.at(feature.shape[2:])
                y = y + self.projections[level](torch.where(mask, feature, self.tokens[level].to(feature.dtype)))
            y = block(y)
        restored = self.patches(self.last(y))
        target = self.patches(x)
        mean, variance = target.mean(-1, keepdim=True), target.var(-1, keepdim=True)
        target = (target - mean) / (variance + 1e-6).sqrt()
        error = (restored - target).square().mean(-1)
        hidden = ~shown
        return (error * hidden).sum() / (hidden.sum() + 1e-8)


def main():
    parser = peer.parser(__doc__)
    parser.add_argument("--features", type=int, nargs="*", default=[32, 64, 128, 256])
    parser.add_argument("--strides", type=int, nargs="*", default=[1, 2, 2, 2])
    parser.add_argument("--blocks", type=int, nargs="*", default=[1, 2, 2, 2])
    parser.add_argument("--width", type=int, default=128, help="of the decoder at its coarsest level")
    parser.add_argument("--size", type=int, nargs=3, default=[40, 56, 40])
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--steps", type=int, default=3, help="per repeat")
    parser.add_argument("--mask-ratio", type=float, default=0.6)
    parser.add_argument("--norm", choices=["masked", "gather"], default="masked")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--layout", choices=["contiguous", "channels_last"], default="channels_last")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    model = Spark(args)
    x = torch.randn(args.batch, 1, *args.size)
    if args.layout == "channels_last":
        model, x = model.to(memory_format=torch.channels_last_3d), x.to(memory_format=torch.channels_last_3d)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-4, (0.9, 0.95), weight_decay=0.05, fused=True)

    def work():
        for _ in range(args.steps):
            with torch.autocast("cpu", torch.bfloat16, enabled=args.precision == "bf16"):
                loss = model(x)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        return args.steps * args.batch

    parameters = sum(p.numel() for p in model.parameters())
    peer.measure(args, "pytorch", work, parameters=parameters, norm=args.norm, layout=args.layout,
                 precision=args.precision)


if __name__ == "__main__":
    main()
