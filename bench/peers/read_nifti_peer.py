"""Reads every NIfTI file of a folder into float32 with nibabel or SimpleITK: the peer of io_bench."""

import pathlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np

import peer


def nibabel_reader():
    import nibabel

    # get_fdata in single precision, without keeping a second copy in the image.
    return lambda file: nibabel.load(file).get_fdata(dtype=np.float32, caching="unchanged")


def simpleitk_reader(threads):
    import SimpleITK

    SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
    return lambda file: SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(file), SimpleITK.sitkFloat32))


def main():
    parser = peer.parser(__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--tool", choices=["nibabel", "simpleitk"], default="nibabel")
    args = parser.parse_args()
    files = sorted(f for f in args.folder.iterdir() if f.name.endswith((".nii", ".nii.gz")))
    read = nibabel_reader() if args.tool == "nibabel" else simpleitk_reader(1)
    pool = ThreadPoolExecutor(args.threads)  # inflating lets go of the interpreter's lock

    def work():
        if args.threads == 1:
            for file in files:
                read(file)
        else:
            list(pool.map(read, files))
        return len(files)

    peer.measure(args, args.tool, work, files=len(files))


if __name__ == "__main__":
    main()
