"""Reads the DICOM series of a folder into one float32 volume with SimpleITK or pydicom: the peer of io_bench's ReadDicom."""

import pathlib

import numpy as np

import peer


def simpleitk_reader(folder):
    import SimpleITK

    SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(1)

    def read():
        names = SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder))  # sorts by position
        reader = SimpleITK.ImageSeriesReader()
        reader.SetFileNames(names)
        reader.SetOutputPixelType(SimpleITK.sitkFloat32)
        SimpleITK.GetArrayViewFromImage(reader.Execute())
        return len(names)

    return read


def pydicom_reader(folder):
    import pydicom

    def read():
        slices = [pydicom.dcmread(file) for file in folder.glob("*.dcm")]
        slices.sort(key=lambda one: float(one.ImagePositionPatient[2]))
        np.stack([one.pixel_array * np.float32(one.RescaleSlope) + np.float32(one.RescaleIntercept) for one in slices])
        return len(slices)

    return read


def main():
    parser = peer.parser(__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--tool", choices=["simpleitk", "pydicom"], default="simpleitk")
    args = parser.parse_args()
    read = simpleitk_reader(args.folder) if args.tool == "simpleitk" else pydicom_reader(args.folder)
    peer.measure(args, args.tool, read)


if __name__ == "__main__":
    main()
