"""Whether this machine's PyTorch ends with a segmentation fault in the weight gradient of one convolution (docs/runs.md).

    .peers/bin/python bench/peers/onednn_crash.py    # prints "well", or is killed by signal 11
"""

import torch

torch.set_num_threads(2)
x = torch.randn(2, 16, 8, 96, 96).to(memory_format=torch.channels_last_3d)
weight = torch.randn(16, 16, 3, 3, 3).to(memory_format=torch.channels_last_3d).requires_grad_()
with torch.autocast("cpu", torch.bfloat16):
    y = torch.conv3d(x, weight, None, 1, 1)
y.sum().backward()
print("well")
