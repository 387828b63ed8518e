"""What DICOM files say of patient, study, series and modality, without telling who the patient is."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache

from workbench.datasets.formats._pydicom import read_dicom

_TAGS = ("PatientID", "IssuerOfPatientID", "StudyInstanceUID", "SeriesInstanceUID", "Modality")
_ROUNDS = 10_000  # Some milliseconds an id: patient ids are short, and could be tried out one by one.
_UNNAMED = "dicom-patient:"


@dataclass(frozen=True)
class DicomTags:
    """What a file says of where its image is from.

    Attributes:
        patient: The patient, or, where none is named, the study; None where there is neither.
        study: The study.
        series: The series.
        modality: `CT`, `MR`, ...
    """

    patient: str | None
    study: str | None
    series: str | None
    modality: str | None


def read_tags(data: bytes, *, hashed: bool) -> DicomTags:
    """The tags of a file.

    Args:
        data: Its bytes.
        hashed: Give hashes of ids and UIDs; that of the patient is to be named by `patient_name`.

    Raises:
        MissingExtraError: pydicom is not installed.
        Exception: The file cannot be read; the message may quote it.
    """
    ds = read_dicom(data, stop_before_pixels=True, specific_tags=list(_TAGS))
    patient, issuer, study, series, modality = (str(ds.get(tag) or "").strip() for tag in _TAGS)
    whole = f"{issuer}/{patient}" if issuer and patient else patient or study
    if hashed:
        whole = _UNNAMED + _hashed(whole, _ROUNDS) if whole else ""
        # Nobody can try out UIDs, so one round is enough for them.
        study, series = (
            f"{kind}-{_hashed(uid, 1)}" if uid else "" for kind, uid in (("study", study), ("series", series))
        )
    return DicomTags(whole or None, study or None, series or None, modality or None)


def patient_name(group: str | None, dataset: str) -> str | None:
    """The name of a group: of a hashed patient one that is the same on every machine, and another in every dataset."""
    if group is None or not group.startswith(_UNNAMED):
        return group
    return f"patient-{hashlib.blake2b(group.encode(), digest_size=8, key=_key(dataset)).hexdigest()}"


def _key(dataset: str) -> bytes:
    return hashlib.sha256(dataset.encode()).digest()


@lru_cache(maxsize=100_000)
def _hashed(text: str, rounds: int) -> str:
    return hashlib.pbkdf2_hmac("sha256", text.encode(), b"clip-workbench", rounds).hex()[:32]
