#include "apps/loading_lines.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "models/encoders/convnext_options.h"
#include "models/encoders/resenc_unet_options.h"
#include "models/encoders/resnet_options.h"
#include "models/encoders/vit_options.h"

namespace marrow {

namespace {

constexpr std::string_view kLoad =
    "network.load_state_dict(load_file(\"model.safetensors\"), strict=True)\n"
    "network.eval()\n";

std::string list_of(const std::vector<std::int64_t>& numbers) {
  return fmt::format("[{}]", fmt::join(numbers, ", "));
}

std::string resnet_lines(const ResnetOptions& options, std::string_view names) {
  if (options.norm != "batch") {
    return {};  // the other tools have batch norms
  }
  const bool bottleneck = options.depth >= 50;
  const auto& stem = options.stem_stride;
  const bool usual_stem =
      std::all_of(stem.begin(), stem.end(), [](std::int64_t stride) { return stride == 2; });
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
  if (!usual_stem) {
    lines += fmt::format("network.conv1.stride = ({},){}\n",
                         fmt::join(stem, ", "),
                         stem.size() == 1 ? fmt::format(" * {}", options.dimensions) : "");
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
  if (options.blocks[0] == 0 || (options.norm != "batch" && options.norm != "instance")) {
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

// "(16, 16)" for one number or one per axis.
std::string pair_of(const std::vector<std::int64_t>& numbers) {
  return fmt::format("({}, {})", numbers.front(), numbers.back());
}

std::string vit_lines(const VitOptions& options) {
  if (options.dimensions != 2) {
    return {};  // timm's is for pictures
  }
  const std::string shape = options.size == "tiny"    ? "embed_dim=192, depth=12, num_heads=3"
                            : options.size == "small" ? "embed_dim=384, depth=12, num_heads=6"
                            : options.size == "base"  ? "embed_dim=768, depth=12, num_heads=12"
                            : options.size == "large"
                                ? "embed_dim=1024, depth=24, num_heads=16"
                                : fmt::format("embed_dim={}, depth={}, num_heads={}",
                                              options.width,
                                              options.depth,
                                              options.heads);
  const bool mean = options.pool == "mean";
  std::string lines = fmt::format(
      "from safetensors.torch import load_file\n"
      "from timm.models.vision_transformer import VisionTransformer\n\n"
      "network = VisionTransformer(img_size={}, patch_size={}, in_chans={}, num_classes=0,\n"
      "                            {}, class_token={},\n"
      "                            global_pool=\"{}\"{})\n",
      pair_of(options.image_size.empty() ? std::vector<std::int64_t>{224} : options.image_size),
      pair_of(options.patch),
      options.input_channels,
      shape,
      options.class_token ? "True" : "False",
      mean ? "avg" : "token",
      options.layer_scale > 0 ? ", init_values=1e-5" : "");
  if (!mean) {
    return lines + std::string(kLoad);
  }
  return lines +
         "# norm.*, the norm of the tokens, is left over: timm has fc_norm in its place here.\n"
         "network.load_state_dict(load_file(\"model.safetensors\"), strict=False)\n"
         "network.eval()\n";
}

std::string convnext_lines(const ConvnextOptions& options, std::string_view names) {
  if (options.dimensions != 2) {
    return {};
  }
  const std::vector<std::int64_t> depths = options.size == "custom" ? options.depths
                                           : options.size == "tiny"
                                               ? std::vector<std::int64_t>{3, 3, 9, 3}
                                               : std::vector<std::int64_t>{3, 3, 27, 3};
  const std::vector<std::int64_t> dims = options.size == "custom" ? options.dims
                                         : options.size == "base"
                                             ? std::vector<std::int64_t>{128, 256, 512, 1024}
                                             : std::vector<std::int64_t>{96, 192, 384, 768};
  const std::int64_t kernel = options.kernel > 0 ? options.kernel : 7;
  if (names == "torchvision") {
    if (kernel != 7 || options.stem_stride != 4 || options.layer_scale == 0) {
      return {};
    }
    std::string blocks;
    for (std::size_t s = 0; s < dims.size(); ++s) {
      blocks += fmt::format("{}CNBlockConfig({}, {}, {})",
                            s == 0 ? "" : ", ",
                            dims[s],
                            s + 1 < dims.size() ? std::to_string(dims[s + 1]) : "None",
                            depths[s]);
    }
    return fmt::format(
               "import torch\nfrom safetensors.torch import load_file\n"
               "from torchvision.models.convnext import CNBlockConfig, ConvNeXt\n\n"
               "network = ConvNeXt([{}])\n"
               "network.features[0][0] = torch.nn.Conv2d({}, {}, 4, stride=4)\n"
               "network.classifier[2] = torch.nn.Identity()\n",
               blocks,
               options.input_channels,
               dims[0]) +
           std::string(kLoad);
  }
  return fmt::format(
             "from safetensors.torch import load_file\nfrom timm.models.convnext import "
             "ConvNeXt\n\n"
             "network = ConvNeXt(in_chans={}, num_classes=0, depths={}, dims={},\n"
             "                   kernel_sizes={}, patch_size={}, ls_init_value={})\n",
             options.input_channels,
             list_of(depths),
             list_of(dims),
             kernel,
             options.stem_stride,
             options.layer_scale > 0 ? "1e-6" : "None") +
         std::string(kLoad);
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
  if (part == "vit") {
    return vit_lines(encoder.parse<VitOptions>());
  }
  if (part == "convnext") {
    return convnext_lines(encoder.parse<ConvnextOptions>(), names);
  }
  return {};
}

}  // namespace marrow
