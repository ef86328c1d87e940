"""One training step in eager PyTorch, of the networks that training_bench trains: a masked autoencoder on timm's vision transformer
blocks, torchvision's ResNet-18, and the residual encoder with a U-Net decoder written with PyTorch's layers. The batch is drawn
beforehand; AdamW is PyTorch's fused one, which is faster than its default.

    .peers/bin/python bench/peers/training_peer.py --network mae --precision fp32 --layout contiguous --threads 1
"""

import functools

import torch
from torch import nn
from torch.nn import functional as F

import peer


class Mae(nn.Module):
    """As published (He et al. 2022): the encoder sees the visible tokens only; loss on normalised hidden patches."""

    def __init__(self, size=96, patch=8, width=384, depth=12, heads=6, decoder_width=192, decoder_depth=2, decoder_heads=6):
        super().__init__()
        from timm.models.vision_transformer import Block
        self.patch, self.count = patch, (size // patch) ** 2
        norm = functools.partial(nn.LayerNorm, eps=1e-6)
        self.embed = nn.Conv2d(1, width, patch, patch)
        self.cls = nn.Parameter(torch.zeros(1, 1, width))
        self.register_buffer("positions", torch.randn(1, self.count + 1, width))
        self.blocks = nn.ModuleList([Block(width, heads, 4, qkv_bias=True, norm_layer=norm) for _ in range(depth)])
        self.norm = norm(width)
        self.into = nn.Linear(width, decoder_width)
        self.token = nn.Parameter(torch.zeros(1, 1, decoder_width))
        self.register_buffer("decoder_positions", torch.randn(1, self.count + 1, decoder_width))
        self.decoder = nn.ModuleList([Block(decoder_width, decoder_heads, 4, qkv_bias=True, norm_layer=norm)
                                      for _ in range(decoder_depth)])
        self.decoder_norm = norm(decoder_width)
        self.out = nn.Linear(decoder_width, patch * patch)

    def forward(self, x):
        batch, kept = len(x), self.count // 4
        tokens = self.embed(x).flatten(2).transpose(1, 2) + self.positions[:, 1:]
        shuffle = torch.rand(batch, self.count).argsort(1)
        restore = shuffle.argsort(1)
        tokens = tokens.gather(1, shuffle[:, :kept, None].expand(-1, -1, tokens.shape[2]))
        tokens = torch.cat([(self.cls + self.positions[:, :1]).expand(batch, -1, -1), tokens], 1)
        for block in self.blocks:
            tokens = block(tokens)
        tokens = self.into(self.norm(tokens))
        full = torch.cat([tokens[:, 1:], self.token.expand(batch, self.count - kept, -1).to(tokens.dtype)], 1)
        full = full.gather(1, restore[:, :, None].expand(-1, -1, full.shape[2]))
        tokens = torch.cat([tokens[:, :1], full], 1) + self.decoder_positions
        for block in self.decoder:
            tokens = block(tokens)
        restored = self.out(self.decoder_norm(tokens))[:, 1:].float()
        p = self.patch
        target = F.unfold(x, p, stride=p).transpose(1, 2)
        target = (target - target.mean(-1, keepdim=True)) / (target.var(-1, keepdim=True) + 1e-6).sqrt()
        hidden = (restore >= kept).float()
        return (((restored - target) ** 2).mean(-1) * hidden).sum() / hidden.sum()


class Residual(nn.Module):
    def __init__(self, cin, cout, stride):
        super().__init__()
        self.a, self.na = nn.Conv3d(cin, cout, 3, stride, 1, bias=False), nn.InstanceNorm3d(cout, affine=True)
        self.b, self.nb = nn.Conv3d(cout, cout, 3, 1, 1, bias=False), nn.InstanceNorm3d(cout, affine=True)
        skip = [nn.AvgPool3d(stride)] if stride > 1 else []
        if cin != cout:
            skip += [nn.Conv3d(cin, cout, 1, bias=False), nn.InstanceNorm3d(cout, affine=True)]
        self.skip = nn.Sequential(*skip)

    def forward(self, x):
        y = F.leaky_relu(self.na(self.a(x)), 0.01)
        return F.leaky_relu(self.nb(self.b(y)) + self.skip(x), 0.01)


class ResEnc(nn.Module):
    """Residual encoder 32, 64, 128, and the decoder of a U-Net with one convolution a level; Dice plus cross entropy."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv3d(1, 32, 3, padding=1, bias=False), nn.InstanceNorm3d(32, affine=True), nn.LeakyReLU(0.01))
        self.stages = nn.ModuleList([Residual(32, 32, 1), Residual(32, 64, 2), Residual(64, 128, 2)])
        self.ups = nn.ModuleList([nn.ConvTranspose3d(128, 64, 2, 2), nn.ConvTranspose3d(64, 32, 2, 2)])
        self.levels = nn.ModuleList([
            nn.Sequential(nn.Conv3d(2 * c, c, 3, padding=1, bias=False), nn.InstanceNorm3d(c, affine=True), nn.LeakyReLU(0.01))
            for c in (64, 32)])
        self.scores = nn.Conv3d(32, 3, 1)

    def forward(self, x, labels):
        maps = []
        x = self.stem(x)
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        for n, (up, level) in enumerate(zip(self.ups, self.levels)):
            x = level(torch.cat([up(x), maps[1 - n]], 1))
        scores = self.scores(x).float()
        shares, truth = scores.softmax(1), F.one_hot(labels, 3).movedim(-1, 1).float()
        both = (shares * truth).sum((2, 3, 4))
        dice = (2 * both + 1e-5) / (shares.sum((2, 3, 4)) + truth.sum((2, 3, 4)) + 1e-5)
        return F.cross_entropy(scores, labels) + 1 - dice[:, 1:].mean()


def main():
    parser = peer.parser(__doc__)
    parser.add_argument("--network", choices=["mae", "resnet", "resenc"], required=True)
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--layout", choices=["contiguous", "channels_last"], default="contiguous")
    parser.add_argument("--steps", type=int, default=3)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(17)
    if args.network == "mae":
        network, batch = Mae(), [torch.randn(32, 1, 96, 96)]
        loss_of = network
    elif args.network == "resnet":
        import torchvision
        network = torchvision.models.resnet18(num_classes=2)
        network.conv1 = nn.Conv2d(1, 64, 7, 2, 3, bias=False)
        batch = [torch.randn(32, 1, 96, 96), torch.randint(2, (32,))]
        loss_of = lambda x, y: F.cross_entropy(network(x).float(), y)
    else:
        network, batch = ResEnc(), [torch.randn(2, 1, 32, 48, 32), torch.randint(3, (2, 32, 48, 32))]
        loss_of = network
    if args.layout == "channels_last" and args.network != "mae":
        order = torch.channels_last_3d if args.network == "resenc" else torch.channels_last
        network = network.to(memory_format=order)
        batch[0] = batch[0].to(memory_format=order)
    network.train()
    optimizer = torch.optim.AdamW(network.parameters(), 1e-4, betas=(0.9, 0.95), weight_decay=0.05, fused=True)

    def work():
        for _ in range(args.steps):
            with torch.autocast("cpu", torch.bfloat16, enabled=args.precision == "bf16"):
                loss = loss_of(*batch)
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
            optimizer.zero_grad()
        return args.steps * len(batch[0])

    peer.measure(args, f"PyTorch {torch.__version__}", work, network=args.network, precision=args.precision, layout=args.layout)


if __name__ == "__main__":
    main()
