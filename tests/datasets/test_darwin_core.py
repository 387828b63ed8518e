"""Downloads of GBIF and iNaturalist, and Darwin Core Archives, with photos that lie on the disk."""

import csv
import hashlib
import io
import zipfile

import pytest

from tests.datasets.dwc_files import (
    DWC,
    SPECIES,
    TAXA,
    address,
    archive,
    observations,
    packed,
    photo,
    photos,
    tabbed,
    unpacked,
)
from workbench.datasets import open_card, parse_card
from workbench.datasets.sources._dwc_taxa import with_species
from workbench.errors import DataError


def hashed(text):
    return hashlib.sha1(text.encode()).hexdigest()


NAMINGS = {
    "the number of the photo": lambda i, k: f"{70000 + 2 * i + k}.jpg",
    "the path of the address": lambda i, k: f"photos/{70000 + 2 * i + k}/original.jpg",
    "the SHA-1 of the address, as gbif-dl": lambda i, k: f"{hashed(address(70000 + 2 * i + k))}.jpg",
    "GBIF's id and a number": lambda i, k: f"{4000 + i}_{k}.jpg",
    "the observation's id and its name": lambda i, k: f"{9000 + i}-{SPECIES[i % 4]} {k}.jpg",
    "folders of species": lambda i, k: f"{SPECIES[i % 4]}/{4000 + i}-{k}.JPG",
    "folders of observations": lambda i, k: f"{4000 + i}/img{k}.jpeg",
}  # fmt: skip


@pytest.fixture
def opened(tmp_path, settings):
    def make(columns="", path="download.zip"):
        source = f"[source]\ntype = 'darwin-core'\npath = '{path}'\nroot = 'photos'"
        return open_card(parse_card(f"name = 'x'\n{source}\n[columns]\n{columns}", "x.toml"), tmp_path, settings)

    return make


def save(folder, name=NAMINGS["the number of the photo"], count=24, each=2):
    """Photos under the names that `name` gives for an observation and a photo of it."""
    for i in range(count):
        for k in range(each):
            photo(folder / name(i, k), 100 * k + i)


def test_ranks_and_observations_of_a_download_are_named_by_their_columns(opened, tmp_path):
    packed(tmp_path / "download.zip", archive())
    save(tmp_path / "photos")
    found = opened("label = 'species'\nranks = ['genus', 'family', 'order']\nobservation = 'gbifID'")
    assert found.taxonomy.levels == ("species", "genus", "family", "order")
    for name, *ranks in zip(found.class_names, *found.taxonomy.taxa, strict=True):
        taxon = TAXA[SPECIES.index(name)]
        assert ranks == [taxon[3], taxon[2], taxon[1]]
    rows = range(len(found))
    # Two photos each, under the observation's own id as the group.
    assert found.observations(rows) == found.group_names(rows)
    assert sorted(set(found.observations(rows))) == [str(4000 + i) for i in range(24)]


def by_group(dataset):
    """Observation to the names of the classes of its photos."""
    rows = range(len(dataset))
    found = {}
    for group, label in zip(dataset.group_names(rows), dataset.labels(rows), strict=True):
        found.setdefault(group, []).append(dataset.class_names[label])
    return found


EXPECTED = {str(4000 + i): [SPECIES[i % 4]] * 2 for i in range(24)}


@pytest.mark.parametrize("naming", NAMINGS)
def test_photos_are_found_by_what_downloaders_call_them(tmp_path, opened, naming):
    packed(tmp_path / "download.zip", archive())
    save(tmp_path / "photos", NAMINGS[naming])
    dataset = opened()
    assert by_group(dataset) == EXPECTED
    assert dataset.class_names == tuple(sorted(SPECIES))
    assert not [note for note in dataset.notes if "Left out" in note or "not in photos" in note]
    assert "Photos of one observation are a group." in dataset.notes


def test_photos_of_one_observation_stay_in_one_split(tmp_path, opened):
    packed(tmp_path / "download.zip", archive())
    save(tmp_path / "photos")
    dataset = opened()
    groups = {split: set(dataset.group_names(dataset.rows(split))) for split in ("train", "val", "test")}
    assert sum(map(len, groups.values())) == 24
    assert all(groups.values())


def test_an_unpacked_archive_with_photos_in_its_folder(tmp_path, settings):
    unpacked(tmp_path / "download", archive())
    save(tmp_path / "download" / "img")
    card = parse_card("name = 'x'\n[source]\ntype = 'darwin-core'\npath = 'download'", "x.toml")
    dataset = open_card(card, tmp_path, settings)
    assert by_group(dataset) == EXPECTED
    assert "download: not read: verbatim.txt, rows of Occurrence." in dataset.notes
    assert "2 files of types that are not read: 1 .txt, 1 .xml." in dataset.notes


@pytest.mark.parametrize(("rank", "place"), [("kingdom", 0), ("order", 1), ("family", 2), ("genus", 3)])
def test_any_rank_is_a_label(tmp_path, opened, rank, place):
    packed(tmp_path / "download.zip", archive())
    save(tmp_path / "photos")
    dataset = opened(f"label = '{rank}'")
    assert by_group(dataset) == {str(4000 + i): [TAXA[i % 4][place]] * 2 for i in range(24)}
    assert dataset.extra([0])[0]["species"] in SPECIES
    assert {"species", "scientificName", "taxonRank"} <= dataset.extra([0])[0].keys()
    # Where it was seen and by whom is nobody's business.
    assert not {"decimalLatitude", "recordedBy"} & dataset.extra([0])[0].keys()


def test_a_column_that_the_card_names_is_kept_and_an_unknown_one_named(tmp_path, opened):
    packed(tmp_path / "download.zip", archive())
    save(tmp_path / "photos")
    assert set(opened("group = 'recordedBy'").group_names(range(48))) == {'Ann "Bee" Seer'}
    with pytest.raises(
        DataError, match=r"occurrence\.txt: no column 'tribe'.* There are: kingdom, order, family, genus, species"
    ):
        opened("label = 'tribe'")


def as_simple_csv(rows):
    return tabbed([{**row, "eventDate": "2024-05-01"} for row in rows])


def as_inaturalist(rows):
    out = io.StringIO()
    columns = [
        "id", "observed_on", "quality_grade", "url", "image_url", "description", "scientific_name", "common_name",
        "taxon_id", "taxon_kingdom_name", "taxon_order_name", "taxon_family_name", "taxon_genus_name",
        "taxon_species_name",
    ]  # fmt: skip
    writer = csv.DictWriter(out, columns)
    writer.writeheader()
    for i, row in enumerate(rows):
        own = {
            "id": 9000 + i,
            "image_url": address(70000 + 2 * i).replace("original", "medium"),
            "description": 'a "leaf",\nseen',
        }
        taxon = {f"taxon_{rank}_name": row[rank] for rank in ("kingdom", "order", "family", "genus", "species")}
        writer.writerow({**own, **taxon, "scientific_name": row["species"], "common_name": "oak"})
    return out.getvalue()


def test_a_simple_table_of_gbif_is_joined_by_ids(tmp_path, opened):
    packed(tmp_path / "download.zip", {"0001-2.csv": as_simple_csv(observations())})
    save(tmp_path / "photos", NAMINGS["GBIF's id and a number"])
    assert by_group(opened()) == EXPECTED


@pytest.mark.parametrize("naming", [lambda i, _: f"{70000 + 2 * i}.jpg", lambda i, _: f"{9000 + i}.jpg"])
def test_an_export_of_inaturalist(tmp_path, opened, naming):
    (tmp_path / "observations-1.csv").write_text(as_inaturalist(observations()), encoding="utf-8")
    save(tmp_path / "photos", naming, each=1)
    dataset = opened("label = 'order'", path="observations-1.csv")
    assert by_group(dataset) == {str(9000 + i): [TAXA[i % 4][1]] for i in range(24)}
    assert dataset.extra([0])[0]["vernacularName"] == "oak"


def test_an_archive_as_inaturalist_makes_it(tmp_path, opened):
    """Commas and quotes, no column for the species, numbers of photos in `catalogNumber`, media of Audubon Core."""
    core = [
        {
            "id": row["occurrenceID"][-4:],
            "scientificName": row["species"],
            "taxonRank": "species",
            "kingdom": row["kingdom"],
        }
        for row in observations()
    ]
    media = [
        {
            "id": str(9000 + i // 2),
            "type": "StillImage",
            "accessURI": address(70000 + i),
            "catalogNumber": str(70000 + i),
        }
        for i in range(48)
    ]
    fields = "".join(f'<field index="{i}" term="{DWC}{name}"/>' for i, name in enumerate(core[0]) if i)
    of_media = "".join(
        f'<field index="{i}" term="http://rs.tdwg.org/ac/terms/{name}"/>' for i, name in enumerate(media[0]) if i
    )
    lines = r'encoding="UTF-8" linesTerminatedBy="\n" fieldsTerminatedBy=","'
    style = f'{lines} fieldsEnclosedBy="&quot;" ignoreHeaderLines="1"'
    meta = f"""<archive xmlns="http://rs.tdwg.org/dwc/text/">
      <core {style} rowType="{DWC}Occurrence">
        <files><location>observations.csv</location></files><id index="0"/>{fields}
        <field term="{DWC}basisOfRecord" default="HumanObservation"/></core>
      <extension {style} rowType="http://rs.tdwg.org/ac/terms/Multimedia">
        <files><location>media.csv</location></files>
        <coreid index="0"/>{of_media}</extension></archive>"""

    def written(rows):
        out = io.StringIO()
        writer = csv.DictWriter(out, list(rows[0]), quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(rows)
        return out.getvalue()

    packed(
        tmp_path / "download.zip", {"meta.xml": meta, "observations.csv": written(core), "media.csv": written(media)}
    )
    save(tmp_path / "photos")
    dataset = opened()
    assert by_group(dataset) == {str(9000 + i): [SPECIES[i % 4]] * 2 for i in range(24)}
    assert dataset.extra([0])[0]["basisOfRecord"] == "HumanObservation"
    assert (
        "The species of 48 photos is put together from the genus and the epithet, or taken from the scientific name."
        in dataset.notes
    )


def test_addresses_in_the_table_itself(tmp_path, opened):
    rows = [
        {
            **row,
            "associatedMedia": f"http://herbarium.example.org/K{i:06}.jpg | http://herbarium.example.org/K{i:06}_b.jpg",
        }
        for i, row in enumerate(observations())
    ]
    packed(tmp_path / "download.zip", {"occurrence.txt": tabbed(rows)})
    save(tmp_path / "photos", lambda i, k: f"K{i:06}{'_b' if k else ''}.jpg")
    assert by_group(opened()) == EXPECTED


def test_what_is_missing_is_counted_and_named(tmp_path, opened):
    core, media = observations(26), photos(25)
    core[24].update(species="", scientificName="Quercus L.", taxonRank="GENUS")
    media.append({**media[0], "type": "Sound", "format": "audio/mp4"})
    media.append({**media[0], "gbifID": "77"})
    core[23]["occurrenceStatus"] = "ABSENT"
    packed(tmp_path / "download.zip", archive(core, media))
    save(tmp_path / "photos", count=25)
    (tmp_path / "photos" / "70003.jpg").unlink()
    photo(tmp_path / "photos" / "holiday.jpg", 999)
    (tmp_path / "photos" / "notes.doc").write_text("x")
    dataset = opened()
    core_name = "occurrence.txt: not read"
    for said in (
        f"{core_name}: 1 medium of the type Sound (4000).",
        f"{core_name}: 1 photo of an observation that it does not list (77).",
        f"{core_name}: 1 observation of absence (4023).",
        f"{core_name}: 2 photos without a species (70048.jpg, 70049.jpg).",
        "1 of 25 observations of occurrence.txt have no photo.",
        "download.zip: 2 files of types that are not read: 1 .txt, 1 .xml.",
        "1 file of types that are not read: 1 .doc.",
    ):
        assert said in dataset.notes, said
    assert any(
        note.startswith(f"1 photo of 48 that the tables name is not in photos (the first: {address(70003)})")
        and "Nothing is downloaded here: put them there" in note
        for note in dataset.notes
    )
    strangers = next(note for note in dataset.notes if note.startswith("Left out"))
    assert strangers == "Left out: 3 images of no observation of occurrence.txt (70046.jpg, 70047.jpg, holiday.jpg)."
    assert len(dataset) == 45


def test_a_photo_of_two_species_is_left_out_and_of_one_is_read_once(tmp_path, opened):
    media = photos()
    media[0]["identifier"] = media[2]["identifier"]  # Of an oak and another oak.
    media[4]["identifier"] = media[12]["identifier"]  # Twice a rose.
    packed(tmp_path / "download.zip", archive(media=media))
    save(tmp_path / "photos")
    dataset = opened()
    assert (
        "occurrence.txt: not read: 1 photo of several observations that say different things (70002.jpg)."
        in dataset.notes
    )
    assert len([name for name in dataset.ids(range(len(dataset))) if name == "70012.jpg"]) == 1


def test_a_photo_that_is_put_there_later_is_noticed(tmp_path, opened):
    packed(tmp_path / "download.zip", archive())
    save(tmp_path / "photos", count=20)
    assert len(opened()) == 40
    for number in range(70040, 70048):  # The others stay as they are.
        photo(tmp_path / "photos" / f"{number}.jpg", number)
    assert len(opened()) == 48


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"a.csv": "x,y\n1,2\n"}, r"has no meta\.xml.* and not one table with an id and a taxon: it holds a\.csv\."),
        ({"a.csv": "id,genus\n", "b.csv": "id,genus\n"}, r"these could be meant: a\.csv, b\.csv\. Name one of them"),
        ({"meta.xml": "<archive>"}, r"meta\.xml: is no XML that can be read"),
        ({"meta.xml": "<archive/>"}, r"meta\.xml: describes 0 cores"),
        (
            {"meta.xml": '<!DOCTYPE a [<!ENTITY b "c">]><archive>&b;</archive>'},
            r"meta\.xml: declares a document type, .* is not read",
        ),
        (
            {"meta.xml": "<archive><core><files><location>x.txt</location></files></core></archive>"},
            r"meta\.xml describes x\.txt, which is not there",
        ),
        (
            {"meta.xml": '<archive><core encoding="klingon"><files><location>x.txt</location></files><id index="0"/>'
             '<field index="1" term="scientificName"/></core></archive>', "x.txt": "1,Rosa canina\n"},
            r"x\.txt: cannot be read \(unknown encoding: klingon\)",
        ),
        (
            {"meta.xml": '<archive><core><files><location>x.txt</location></files><id index="0"/>'
             '<field index="1" term="scientificName"/></core></archive>', "x.txt": "1," + "a" * (17 * 2**20)},
            r"x\.txt: has a line of more than 16,777,216 characters",
        ),
    ],
)  # fmt: skip
def test_what_is_no_archive_is_refused(tmp_path, opened, members, message):
    packed(tmp_path / "download.zip", members)
    photo(tmp_path / "photos" / "1.jpg", 0)
    with pytest.raises(DataError, match=message):
        opened()


def test_a_damaged_archive_is_one_sentence(tmp_path, opened):
    packed(tmp_path / "download.zip", archive())
    data = bytearray((tmp_path / "download.zip").read_bytes())
    with zipfile.ZipFile(tmp_path / "download.zip") as file:
        place = file.getinfo("occurrence.txt").header_offset + 60
    data[place : place + 40] = bytes(40)
    (tmp_path / "download.zip").write_bytes(data)
    save(tmp_path / "photos")
    with pytest.raises(DataError, match=r"occurrence\.txt: cannot be read"):
        opened()


def test_a_table_of_something_else_is_refused(tmp_path, opened):
    (tmp_path / "t.csv").write_text("image,label\na.jpg,red\n")
    photo(tmp_path / "photos" / "a.jpg", 0)
    with pytest.raises(
        DataError, match=r"t\.csv: is no table of Darwin Core, GBIF or iNaturalist: it has no column gbifID"
    ):
        opened(path="t.csv")


def test_no_photo_at_all_says_what_to_do(tmp_path, opened):
    packed(tmp_path / "download.zip", archive())
    (tmp_path / "photos").mkdir()
    with pytest.raises(
        DataError, match=r"no photo is left .*48 photos of 48 .*Nothing is downloaded here: put them there"
    ):
        opened()


@pytest.mark.parametrize(
    ("row", "species"),
    [
        ({"genus": "Rosa", "specificEpithet": "canina"}, "Rosa canina"),
        ({"scientificName": "Rosa canina L.", "taxonRank": "SPECIES"}, "Rosa canina"),
        ({"scientificName": "Rosa canina subsp. dumalis", "taxonRank": "subspecies"}, "Rosa canina"),
        ({"scientificName": "Rosa canina"}, "Rosa canina"),
        ({"scientificName": "Quercus × rosacea Bechst."}, "Quercus × rosacea"),
        ({"scientificName": "Quercus ×rosacea"}, "Quercus ×rosacea"),
        ({"scientificName": "Quercus L.", "taxonRank": "GENUS"}, None),
        ({"scientificName": "Quercus L."}, None),
        ({"scientificName": "Quercus sect. Lobatae"}, None),
        ({"scientificName": "Fagaceae", "taxonRank": "FAMILY"}, None),
        ({}, None),
    ],
)
def test_the_species_is_put_together_where_no_column_has_it(row, species):
    taxon, put_together = with_species(row)
    assert taxon.get("species") == species
    assert put_together == (species is not None)
    assert with_species({**row, "species": "Abies alba"}) == ({**row, "species": "Abies alba"}, False)
