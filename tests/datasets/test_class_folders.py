"""Class sub-folders say labels; a card that asks them for more is refused."""

import pytest

from workbench.datasets import open_card, parse_card
from workbench.errors import DataError


def opened(root, settings, columns, extra=""):
    text = f'name = "x"\n[source]\ntype = "folder"\npath = "{root.name}"\n[columns]\n{columns}\n{extra}'
    return open_card(parse_card(text, "x.toml"), root.parent, settings)


@pytest.mark.parametrize("role", ["group", "split", "caption", "id"])
def test_a_column_that_folders_cannot_have_is_refused(class_folders, settings, role):
    with pytest.raises(DataError, match=rf"flora: no column 'plant', which columns\.{role} .* Put a metadata\.csv"):
        opened(class_folders, settings, f'label = "label"\n{role} = "plant"')


def test_so_is_one_of_a_language_although_the_list_of_images_is_known(class_folders, settings):
    opened(class_folders, settings, 'label = "label"')
    extra = '[languages.ja.columns]\ncaption = "caption_ja"'
    with pytest.raises(DataError, match=r"'caption_ja', which languages\.ja\.columns\.caption"):
        opened(class_folders, settings, 'label = "label"', extra)


def test_label_and_image_are_the_folder_and_the_file(class_folders, settings):
    dataset = opened(class_folders, settings, 'image = "file_name"\nlabel = "kind"')
    assert dataset.class_names == ("oak", "schöne Linde", "silver_birch")
    assert len(dataset) == 60


def test_a_metadata_file_has_the_column(class_folders, settings):
    lines = [f"oak/bild {i:02d}.jpg,oak,p{i // 4}" for i in range(20)]
    lines += [f"silver_birch/bild {i:02d}.jpg,birch,q{i // 4}" for i in range(20)]
    (class_folders / "metadata.csv").write_text("\n".join(["file_name,label,plant", *lines]), encoding="utf-8")
    dataset = opened(class_folders, settings, 'label = "label"\ngroup = "plant"')
    assert not [note for note in dataset.notes if "more than one split" in note]
    assert len(set(dataset.group_names(range(len(dataset))))) == 10
