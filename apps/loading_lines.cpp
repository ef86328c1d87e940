#include "apps/loading_lines.h"

#include <cstdint>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "models/encoders/resenc_unet_options.h"
#include "models/encoders/resnet_options.h"

namespace marrow {

namespace {

constexpr std::string_view kLoad =
    "network.load_state_dict(load_file(\"model.safetensors\"), strict=True)\n"
    "network.eval()\n";

std::string list_of(const std::vector<std::int64_t>& numbers) {
  return fmt::format("[{}]", fmt::join(numbers, ", "));
}

std::string resnet_lines(const ResnetOptions& options, std::string_view names) {
  const bool bottleneck = options.depth >= 50;
  const std::string layers = options.depth == 10    ? "[1, 1, 1, 1]"
                             : options.depth == 18  ? "[2, 2, 2, 2]"
                             : options.depth == 101 ? "[3, 4, 23, 3]"
                                                    : "[3, 4, 6, 3]";
  std::string lines;
  if (options.dimensions == 3 || options.width != 64) {
    // torchvision and timm have neither volumes nor other widths.
    lines = fmt::format(
        "import torch\nfrom monai.networks.nets import ResNet\nfrom safetensors.torch import "
        "load_file\n\n"
        "network = ResNet(\"{}\", {}, {}, spatial_dims={}, n_input_channels={},\n"
        "                 conv1_t_stride=2, feed_forward=False, bias_downsample=False)\n",
        bottleneck ? "bottleneck" : "basic",
        layers,
        list_of({options.width, 2 * options.width, 4 * options.width, 8 * options.width}),
        options.dimensions,
        options.input_channels);
  } else if (names == "timm") {
    lines = fmt::format(
        "import torch\nfrom safetensors.torch import load_file\nfrom timm.models import resnet\n\n"
        "network = resnet.ResNet(resnet.{}, {}, in_chans={}, num_classes=0)\n",
        bottleneck ? "Bottleneck" : "BasicBlock",
        layers,
        options.input_channels);
  } else {
    lines = fmt::format(
        "import torch\nfrom safetensors.torch import load_file\nfrom torchvision.models import "
        "resnet\n\n"
        "network = resnet.ResNet(resnet.{}, {})\n",
        bottleneck ? "Bottleneck" : "BasicBlock",
        layers);
    if (options.input_channels != 3) {
      lines += fmt::format(
          "network.conv1 = torch.nn.Conv2d({}, 64, 7, stride=2, padding=3, bias=False)\n",
          options.input_channels);
    }
    lines += "network.fc = torch.nn.Identity()\n";
  }
  if (options.last_stride == 1) {
    lines += fmt::format(
        "network.layer4[0].conv{}.stride = network.layer4[0].downsample[0].stride = {}\n",
        bottleneck ? 2 : 1,
        options.dimensions == 3 ? "(1, 1, 1)" : "(1, 1)");
  }
  return lines + std::string(kLoad);
}

std::string resenc_unet_lines(const ResencUnetOptions& options, std::string_view names) {
  if (options.blocks[0] == 0) {
    return {};  // the other tool wants a block in every stage
  }
  const std::int64_t axes = options.dimensions;
  std::string lines = fmt::format(
      "import torch\nfrom dynamic_network_architectures.building_blocks.residual_encoders import "
      "ResidualEncoder\nfrom safetensors.torch import load_file\n\n"
      "network = ResidualEncoder({}, {}, {}, torch.nn.Conv{}d, 3, {}, {},\n"
      "                          conv_bias={}, norm_op=torch.nn.{}Norm{}d,\n"
      "                          norm_op_kwargs={{\"eps\": 1e-5, \"affine\": True}}, "
      "nonlin=torch.nn.LeakyReLU,\n"
      "                          nonlin_kwargs={{\"inplace\": True}}, return_skips=True)\n",
      options.input_channels,
      options.features.size(),
      list_of(options.features),
      axes,
      list_of(options.strides),
      list_of(options.blocks),
      options.conv_bias ? "True" : "False",
      options.norm == "batch" ? "Batch" : "Instance",
      axes);
  if (options.stem_stride != 1) {
    lines +=
        fmt::format("network.stem.convs[0].conv.stride = ({},) * {}\n", options.stem_stride, axes);
  }
  if (names == "nnunet") {
    return lines + std::string(kLoad);
  }
  // The names under all_modules are the same tensors once more.
  return lines +
         "network.load_state_dict(load_file(\"model.safetensors\"), strict=False)\n"
         "network.eval()\n";
}

}  // namespace

std::string loading_lines(const ConfigSection& encoder, std::string_view names) {
  const std::string part = encoder.part_name("resenc_unet");
  if (part == "resnet") {
    return resnet_lines(encoder.parse<ResnetOptions>(), names);
  }
  if (part == "resenc_unet") {
    return resenc_unet_lines(encoder.parse<ResencUnetOptions>(), names);
  }
  return {};
}

}  // namespace marrow
