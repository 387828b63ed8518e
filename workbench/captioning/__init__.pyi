from .borrowing import captions_by_text as captions_by_text
from .borrowing import consensus_captions as consensus_captions
from .borrowing import nearest_rows as nearest_rows
from .decoding import beam_search as beam_search
from .writing import Decoding as Decoding
from .writing import check_writes as check_writes
from .writing import write_captions as write_captions
