"""Reads the header of every file of a folder with pydicom and lists it in SQLite by series: the peer of `marrow scan`."""

import os
import pathlib
import sqlite3
import tempfile

import peer

TAGS = ["SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "PatientID",
        "Modality", "ImageType", "Manufacturer", "ManufacturerModelName", "BodyPartExamined", "ConvolutionKernel", "KVP",
        "SliceThickness", "RepetitionTime", "EchoTime", "MagneticFieldStrength", "InstanceNumber", "AcquisitionNumber",
        "Rows", "Columns", "BitsAllocated", "BitsStored", "PixelRepresentation", "PhotometricInterpretation",
        "RescaleSlope", "RescaleIntercept", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"]


def main():
    import pydicom

    parser = peer.parser(__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    args = parser.parse_args()

    def rows():
        for folder, _, names in os.walk(args.folder):
            for name in names:
                path = os.path.join(folder, name)
                one = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=TAGS)
                yield (path, str(one.SeriesInstanceUID), str(one.get("ImagePositionPatient", "")), str(one.get("Modality", "")),
                       "\n".join(str(one.get(tag, "")) for tag in TAGS))

    def work():
        with tempfile.TemporaryDirectory() as folder:
            database = sqlite3.connect(os.path.join(folder, "peer.db"))
            database.execute("CREATE TABLE files (path TEXT, series TEXT, position TEXT, modality TEXT, facts TEXT)")
            database.executemany("INSERT INTO files VALUES (?, ?, ?, ?, ?)", rows())
            database.commit()
            files, _ = database.execute("SELECT count(*), count(DISTINCT series) FROM files").fetchone()
            database.close()
        return files

    peer.measure(args, "pydicom", work)


if __name__ == "__main__":
    main()
