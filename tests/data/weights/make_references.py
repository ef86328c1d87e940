#!/usr/bin/env python3
"""Makes the references of this folder: tiny networks of torchvision, timm, MONAI and dynamic-network-architectures with
random weights, an input, and the features that they compute of it in evaluation mode. Needs `./run peers`:

    .peers/bin/python tests/data/weights/make_references.py

A file holds the state dict under "weights." (the floating ones times 64, as int8, to be small), "input" (float16),
"expected.0" ... (one map per stage), "expected.pooled" where the tool has such a row, and in its metadata the encoder's
section for us. The tests that compare with the tools themselves import this module.
"""

import pathlib

import torch
from safetensors.torch import save_file

STEPS = 64.0  # weights are multiples of 1 / 64


def randomise(network, seed):
    """Weights of a size at which features neither vanish nor explode, and running statistics that are not 0 and 1."""
    generator = torch.Generator().manual_seed(seed)

    def normal(tensor, mean, deviation):
        values = mean + deviation * torch.randn(tensor.shape, generator=generator)
        tensor.copy_((values * STEPS).round().clamp(-127, 127) / STEPS)

    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if name.endswith("running_var"):
                normal(tensor, 1.0, 0.1)
                tensor.abs_()
            elif not tensor.is_floating_point():
                tensor.fill_(3)
            elif tensor.dim() > 1 and "token" not in name and "position" not in name and "pos_embed" not in name:
                fan_in = tensor[0].numel()
                normal(tensor, 0.0, (2.0 / fan_in) ** 0.5)
            elif name.endswith("weight") or "gamma" in name or "layer_scale" in name:
                normal(tensor, 1.0, 0.2)
            else:
                normal(tensor, 0.0, 0.2)
    return network.eval()


def torchvision_resnet(block, layers, channels=3, width=8):
    from torchvision.models import resnet

    class Narrow(resnet.ResNet):
        """The same layers with fewer channels: torchvision itself has 64 in the stem only."""

        def _make_layer(self, block, planes, blocks, stride=1, dilate=False):
            if planes == 64:
                self.inplanes = width
            return super()._make_layer(block, planes * width // 64, blocks, stride, dilate)

    network = Narrow(getattr(resnet, block), layers)
    network.conv1 = torch.nn.Conv2d(channels, width, 7, stride=2, padding=3, bias=False)
    network.bn1 = torch.nn.BatchNorm2d(width)
    network.fc = torch.nn.Linear(network.layer4[-1].bn1.num_features * network.layer4[-1].expansion, 2)
    return network


def timm_resnet():
    from timm.models import resnet

    return resnet.ResNet(resnet.BasicBlock, (1, 1, 1, 1), in_chans=1, num_classes=2)


def monai_resnet(bias_downsample):
    from monai.networks.nets import ResNet

    return ResNet("basic", [1, 1, 1, 1], [8, 16, 32, 64], spatial_dims=3, n_input_channels=1, conv1_t_stride=2,
                  num_classes=2, bias_downsample=bias_downsample)


def residual_encoder(axes, norm="Instance", conv_bias=False):
    from dynamic_network_architectures.building_blocks.residual_encoders import ResidualEncoder

    return ResidualEncoder(1, 3, [4, 6, 8], getattr(torch.nn, f"Conv{axes}d"), 3, [1, 2, 2], [1, 2, 1], conv_bias=conv_bias,
                           norm_op=getattr(torch.nn, f"{norm}Norm{axes}d"), norm_op_kwargs={"eps": 1e-5, "affine": True},
                           nonlin=torch.nn.LeakyReLU, nonlin_kwargs={"inplace": True}, return_skips=True)


def timm_vit(**options):
    from timm.models.vision_transformer import VisionTransformer

    return VisionTransformer(img_size=32, patch_size=8, in_chans=3, num_classes=2, embed_dim=24, depth=2, num_heads=3,
                             **options)


def monai_vit():
    from monai.networks.nets import ViT

    return ViT(in_channels=1, img_size=(8, 16, 24), patch_size=8, hidden_size=24, mlp_dim=96, num_layers=2, num_heads=3,
               proj_type="conv", pos_embed_type="learnable", classification=True, num_classes=2, spatial_dims=3)


def timm_convnext():
    from timm.models.convnext import ConvNeXt

    return ConvNeXt(in_chans=3, num_classes=2, depths=(1, 1, 2, 1), dims=(4, 8, 8, 12))


def torchvision_convnext():
    from torchvision.models.convnext import CNBlockConfig, ConvNeXt

    return ConvNeXt([CNBlockConfig(4, 8, 1), CNBlockConfig(8, 8, 1), CNBlockConfig(8, 12, 2),
                     CNBlockConfig(12, None, 1)], num_classes=2)


def resnet_features(network, x):
    x = network.conv1(x)
    x = network.bn1(x)
    x = network.maxpool(torch.relu(x))
    maps = []
    for layer in (network.layer1, network.layer2, network.layer3, network.layer4):
        x = layer(x)
        maps.append(x)
    return maps, x.flatten(2).mean(2)


def residual_encoder_features(network, x):
    return network(x), None


def timm_vit_features(network, x):
    tokens = network.norm_pre(network.patch_drop(network._pos_embed(network.patch_embed(x))))
    maps = []
    for block in network.blocks:
        tokens = block(tokens)
        maps.append(tokens)
    pooled = network.forward_head(network.norm(tokens), pre_logits=True)
    if not isinstance(network.norm, torch.nn.Identity):
        maps[-1] = network.norm(tokens)
    else:
        maps.pop()  # this network has no norm of its tokens
    side = [x.shape[2] // 8, x.shape[3] // 8]
    return [m[:, 1:].transpose(1, 2).unflatten(2, side) for m in maps], pooled


def monai_vit_features(network, x):
    _, hidden = network(x)
    hidden[-1] = network.norm(hidden[-1])
    grid = [size // 8 for size in x.shape[2:]]
    return [h[:, 1:].transpose(1, 2).unflatten(2, grid) for h in hidden], None


def timm_convnext_features(network, x):
    x = network.stem(x)
    maps = []
    for stage in network.stages:
        x = stage(x)
        maps.append(x)
    return maps, network.forward_head(x, pre_logits=True)


def torchvision_convnext_features(network, x):
    maps = []
    for place, layer in enumerate(network.features):
        x = layer(x)
        if place % 2 == 1:
            maps.append(x)
    return maps, network.classifier[0](network.avgpool(x)).flatten(1)


CUSTOM_VIT = "name: vit, size: custom, width: 24, depth: 2, heads: 3, patch: [8], positions: learned"
CUSTOM_CONVNEXT = "name: convnext, dimensions: 2, input_channels: 3, size: custom, depths: [1, 1, 2, 1], dims: [4, 8, 8, 12]"
RESENC = "name: resenc_unet, features: [4, 6, 8], strides: [1, 2, 2], blocks: [1, 2, 1]"

# name: how the network is made, its features, the size of its input, and the encoder's section for us
NETWORKS = {
    "resnet_torchvision": (lambda: torchvision_resnet("BasicBlock", [1, 1, 1, 1]), resnet_features, [1, 3, 32, 40],
                           "{name: resnet, dimensions: 2, input_channels: 3, depth: 10, width: 8}"),
    "resnet50_torchvision": (lambda: torchvision_resnet("Bottleneck", [3, 4, 6, 3], channels=1), resnet_features,
                             [2, 1, 64, 64], "{name: resnet, dimensions: 2, depth: 50, width: 8}"),
    "resnet_timm": (timm_resnet, resnet_features, [1, 1, 64, 64], "{name: resnet, dimensions: 2, depth: 10}"),
    "resnet_monai": (lambda: monai_resnet(False), resnet_features, [1, 1, 32, 48, 64],
                     "{name: resnet, dimensions: 3, depth: 10, width: 8}"),
    "resnet_monai_bias": (lambda: monai_resnet(True), resnet_features, [1, 1, 32, 48, 64],
                          "{name: resnet, dimensions: 3, depth: 10, width: 8}"),
    "resenc_2d": (lambda: residual_encoder(2), residual_encoder_features, [1, 1, 12, 16], "{" + RESENC + ", dimensions: 2}"),
    "resenc_3d": (lambda: residual_encoder(3), residual_encoder_features, [1, 1, 8, 8, 12],
                  "{" + RESENC + ", dimensions: 3}"),
    "resenc_3d_bias": (lambda: residual_encoder(3, conv_bias=True), residual_encoder_features, [1, 1, 8, 8, 12],
                       "{" + RESENC + ", dimensions: 3}"),
    "resenc_2d_batch_bias": (lambda: residual_encoder(2, "Batch", True), residual_encoder_features, [2, 1, 16, 24],
                             "{" + RESENC + ", dimensions: 2, norm: batch}"),
    "vit_timm": (lambda: timm_vit(), timm_vit_features, [1, 3, 32, 32],
                 "{" + CUSTOM_VIT + ", dimensions: 2, input_channels: 3, image_size: [32], pool: class}"),
    "vit_timm_mean": (lambda: timm_vit(global_pool="avg", init_values=0.1), timm_vit_features, [1, 3, 32, 32],
                      "{" + CUSTOM_VIT + ", dimensions: 2, input_channels: 3, image_size: [32], layer_scale: 0.1}"),
    "vit_monai": (monai_vit, monai_vit_features, [1, 1, 8, 16, 24],
                  "{" + CUSTOM_VIT + ", dimensions: 3, image_size: [8, 16, 24], pool: class}"),
    "convnext_timm": (timm_convnext, timm_convnext_features, [1, 3, 64, 32], "{" + CUSTOM_CONVNEXT + "}"),
    "convnext_torchvision": (torchvision_convnext, torchvision_convnext_features, [1, 3, 64, 32],
                             "{" + CUSTOM_CONVNEXT + "}"),
}
# Those that are kept here; the others only compare where the tools are.
KEPT = ["resnet_torchvision", "resenc_2d", "resenc_3d", "vit_timm", "vit_monai", "convnext_timm", "convnext_torchvision"]


def features(name, network, x):
    """Maps and, where the tool has one, the pooled row, by the names under which they are kept."""
    with torch.no_grad():
        maps, pooled = NETWORKS[name][1](network, x)
    made = {f"expected.{place}": value for place, value in enumerate(maps)}
    return made if pooled is None else made | {"expected.pooled": pooled}


def write(name, path, seed=1, small=False):
    """A network with random weights, what it computes, and what it is for us."""
    torch.set_num_threads(1)
    make, _, size, section = NETWORKS[name]
    torch.manual_seed(seed)
    network = randomise(make(), seed)
    x = torch.randn(size).half().float()
    kept = {"weights." + key: (value * STEPS).to(torch.int8) if small and value.is_floating_point() else value
            for key, value in network.state_dict().items()}
    kept |= {"input": x.half() if small else x} | features(name, network, x)
    save_file({key: value.contiguous().clone() for key, value in kept.items()}, path, metadata={"encoder": section})


def load(name, path):
    """The network with the weights of a file, strictly; classifiers left out."""
    from safetensors.torch import load_file

    network = NETWORKS[name][0]()
    for part in ("fc", "head", "classifier"):
        layer = getattr(network, part, None)
        if part == "head" and hasattr(layer, "fc"):
            layer.fc = torch.nn.Identity()
        elif isinstance(layer, torch.nn.Sequential):
            layer[-1] = torch.nn.Identity()
        elif layer is not None:
            setattr(network, part, torch.nn.Identity())
    network.load_state_dict(load_file(path), strict=True)
    return network.eval()


if __name__ == "__main__":
    for kept_name in KEPT:
        write(kept_name, pathlib.Path(__file__).parent / f"{kept_name}.safetensors", small=True)
