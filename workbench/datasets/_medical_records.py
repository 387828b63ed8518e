"""Records of medical files: columns from the tags of DICOM, and the chosen slices of NIfTI volumes."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from workbench.datasets.card import DatasetCard
from workbench.datasets.formats._pydicom import DICOM_BEGINNING, is_dicom
from workbench.datasets.formats.dicom_tags import patient_name, read_tags
from workbench.datasets.formats.nifti import is_nifti_name, slice_row
from workbench.datasets.images import may_be_dicom
from workbench.datasets.sources import FileSource, Record, RecordColumns, Source, read_from
from workbench.datasets.unreadable import MissingExtraError
from workbench.datasets.volumes import slice_name, slices_note, slices_of
from workbench.errors import DataError


def with_medical_files(
    card: DatasetCard, source: Source, listed: Sequence[Record]
) -> tuple[Sequence[Record], list[str]]:
    """Records as they are listed, those of medical files made complete.

    Args:
        card: The card.
        source: Its source; only those of files are looked at.
        listed: Its records.

    Returns:
        The records, and sentences about where groups and slices are from.

    Raises:
        DataError: The packages that read such files are not installed.
    """
    if not isinstance(source, FileSource) or not any(map(_is_candidate, listed)):
        return listed, []
    records: RecordColumns | None = None  # Until one differs, what is listed need not be copied.
    seen: Counter[str] = Counter()
    for i, record in enumerate(listed):
        try:
            own = list(_slices(card, source, record)) if _is_volume(record) else [_tagged(card, source, record, seen)]
        except MissingExtraError as error:
            raise DataError(f"dataset {card.name!r}: {record.id} {error}.") from error
        except DataError:
            own = [record]  # Extraction reports it as unreadable.
        seen["volumes"] += _is_volume(record)
        seen["slices"] += len(own) * _is_volume(record)
        if records is None and not (len(own) == 1 and own[0] is record):
            records = RecordColumns(islice(listed, i))
        if records is not None:
            records.extend(own)
    return listed if records is None else records, list(_notes(card, seen))


def _is_candidate(record: Record) -> bool:
    return _is_volume(record) or may_be_dicom(record.location.file) or record.location.offset >= 0


def _is_volume(record: Record) -> bool:
    return record.location.row < 0 and record.location.offset < 0 and is_nifti_name(record.location.file)


def _slices(card: DatasetCard, source: Source, record: Record) -> Iterator[Record]:
    for axis, index in slices_of(read_from(source, record.location), card.pixels):
        yield replace(
            record,
            id=slice_name(record.id, axis, index),
            location=record.location._replace(row=slice_row(axis, index)),
            group=record.group or record.id,
        )


def _tagged(card: DatasetCard, source: FileSource, record: Record, seen: Counter[str]) -> Record:
    location = record.location
    if location.row >= 0 or not (location.offset >= 0 or may_be_dicom(location.file)):
        return record
    # Of a member of an archive the name is not kept, and most are no DICOM.
    first = location._replace(length=min(location.length, DICOM_BEGINNING)) if location.offset >= 0 else location
    if not is_dicom(read_from(source, first)):
        return record
    data = read_from(source, location)
    try:
        tags = read_tags(data, hashed=card.dicom.ids == "hashed")
    except MissingExtraError:
        raise
    except Exception:  # Decoding says that it is damaged.
        return record
    extra = json.loads(record.extra or "{}")
    said = {"study": tags.study, "series": tags.series, "modality": tags.modality}
    extra = {**{key: value for key, value in said.items() if value is not None}, **extra}
    takes_group = card.columns.group is None and record.group is None and tags.patient is not None
    seen["grouped"] += takes_group
    return replace(
        record,
        group=tags.patient if takes_group else record.group,
        extra=json.dumps(extra, ensure_ascii=False, sort_keys=True) if extra else "",
    )


def with_patients_named(records: Sequence[Record], dataset: str) -> Sequence[Record]:
    """Records whose hashed patients have the names that they go by in a dataset."""
    if all(patient_name(record.group, dataset) == record.group for record in records):
        return records
    return RecordColumns(replace(record, group=patient_name(record.group, dataset)) for record in records)


def _notes(card: DatasetCard, seen: Counter[str]) -> Iterator[str]:
    if seen["grouped"]:
        how = "as it stands in them" if card.dicom.ids == "plain" else "hashed"
        yield f"The patient of {seen['grouped']} DICOM files (PatientID, {how}) is their group."
    if seen["volumes"]:
        yield f"{slices_note(seen['slices'], seen['volumes'], card.pixels)} A volume is a group."
