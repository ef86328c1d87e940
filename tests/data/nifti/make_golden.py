"""Writes the golden files of this folder with nibabel 5.4.2: python3 make_golden.py"""

import json

import nibabel as nib
import numpy as np
from nibabel.eulerangles import euler2mat

grid = np.arange(5 * 4 * 3).reshape((5, 4, 3), order="F")
oblique = np.eye(4)
oblique[:3, :3] = euler2mat(0.3, -0.2, 0.5) @ np.diag([0.7, 1.3, 2.9])
oblique[:3, 3] = [-12.5, 33.25, 101.75]
flipped = oblique.copy()
flipped[:3, 0] *= -1


def save(name, image):
    nib.save(image, name)
    loaded = nib.load(name)
    return {
        "affine_ras": loaded.affine.tolist(),
        "size": list(loaded.shape),
        "values": loaded.get_fdata().flatten(order="F").tolist(),
    }


golden = {}

image = nib.Nifti1Image((grid * 7 - 100).astype(np.int16), oblique)
image.header.set_slope_inter(0.5, -1024)
image.header["descrip"] = b"scaled"
golden["scaled_int16.nii.gz"] = save("scaled_int16.nii.gz", image)

header = nib.Nifti1Header(endianness=">")
header.set_data_dtype(np.dtype(">f8"))
image = nib.Nifti1Image(grid / 3.0, None, header)
image.set_sform(None, 0)
image.set_qform(flipped, 1)
golden["big_endian_qform_float64.nii"] = save("big_endian_qform_float64.nii", image)

image = nib.Nifti2Image((grid * 70000).astype(np.uint32), flipped)
image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"an extension of our own"))
golden["nifti2_uint32.nii.gz"] = save("nifti2_uint32.nii.gz", image)

image = nib.Nifti1Pair((grid - 30).astype(np.int8), oblique)
golden["pair_int8.hdr"] = save("pair_int8.hdr", image)

with open("golden.json", "w") as out:
    json.dump(golden, out, indent=1)
