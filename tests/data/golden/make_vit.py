"""Writes vit.json: what timm's vision transformer answers for weights that a formula gives.

usage: python make_vit.py > vit.json      (made with timm 1.0.31 on torch 2.11.0, float64)
"""
import json

import torch
from timm.models.vision_transformer import VisionTransformer


def wave(shape, shift):
    count = torch.Size(shape).numel()
    return (torch.arange(count, dtype=torch.float64) * 0.37 + shift).sin().reshape(shape) * 0.3


def case(pool, **options):
    model = VisionTransformer(img_size=(8, 12), patch_size=4, in_chans=2, num_classes=0, embed_dim=12, depth=3,
                              num_heads=2, global_pool=pool, **options).double().eval()
    with torch.no_grad():
        for shift, (_, tensor) in enumerate(sorted(model.state_dict().items())):
            tensor.copy_(wave(tensor.shape, shift))
        x = wave((2, 2, 8, 12), 0.5) * 3
        maps = model.forward_intermediates(x, indices=[0, 1, 2], norm=False, intermediates_only=True)
        answer = {"names": {name: list(tensor.shape) for name, tensor in model.state_dict().items()},
                  "map1": maps[0].tolist(), "map2": maps[1].tolist(), "map3": maps[2].tolist(),
                  "pooled": model(x).tolist()}
        if pool == "token":
            answer["tokens"] = model.forward_features(x).tolist()
    return answer


def rounded(value):
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return round(value, 12) if isinstance(value, float) else value


cases = {"mean": case("avg", init_values=0.1), "class": case("token")}
print(json.dumps({name: {key: rounded(value) for key, value in answer.items()} for name, answer in cases.items()},
                 separators=(",", ":")))
