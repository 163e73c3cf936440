"""Texts of a source with pseudonyms in place of what is not public; their punctuation stays."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final

from diag.formats.redaction import vocabulary
from diag.formats.trace import event_names as ev

if TYPE_CHECKING:
    from collections.abc import Callable

    from diag.formats.redaction.pseudonyms import Kind, Pseudonyms

# Longer texts, such as the listing of a whole module, become one pseudonym.
TEXT_MAX_CHARACTERS: Final = 100_000
# Names of several tokens that are looked for as a whole, more than servers have. Of further ones
# each token that is not public is hidden.
PHRASES_MAX: Final = 1_000
_TOKEN: Final = re.compile(r"[0-9A-Za-z_\x80-\U0010ffff]+")
_NUMBER: Final = re.compile(r"(?:_*\d+[eE]?|0[xX][0-9a-fA-F]{1,16})", re.ASCII)
_NUMBERED: Final = re.compile(r"(.+?)((?:_\d+)+)", re.ASCII)
# IPv4, also as hosts of clouds write it (ip-10-0-0-7), IPv6, MAC addresses and UUIDs.
_ADDRESS: Final = re.compile(
    r"(?<![0-9])(?:[0-9]{1,3}([-_.]))(?:[0-9]{1,3}\1){2}[0-9]{1,3}(?![0-9])"
    r"|(?<![\w:.])(?=[0-9a-fA-F]{0,4}:[0-9a-fA-F]{0,4}:)[0-9a-fA-F:]{3,39}(?![\w:.])"
    r"|(?<![0-9a-fA-F])[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?![0-9a-fA-F])"
)
_MAC: Final = re.compile(r"(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}")
_UUID_CHARACTERS: Final = 36
_WITH_PORT: Final = re.compile(r"(?!unix:)[\w.\-\[\]:%/]+:\d+")
# What TensorFlow and JAX put before the name of a function, and before that of a thread pool.
_PREFIX: Final = re.compile(
    r"__(?:inference|forward|backward|wrapped|cached)_{1,3}|p?jit__?|pmap_"
    r"|_Mkl(?:Native)?|tf_(?:data_|numa_|inter_op_?)?|(?:model_server_)?batch_threads_"
)
# Parts of an op's type or an event's name by which the analysis tells what it does: op types of
# preprocessing, of tf.data and of optimizers (analysis/execution/op_class.py, formats/trace/
# program.py). A pseudonym keeps them.
_TELLING_FIRST: Final = re.compile(
    r"String|StaticRegex|Unicode|Wordpiece|Sentencepiece|ReaderRead|TensorArray"
    r"|TensorList|Stack|IteratorGetNext|(?:Resource)?(?:Sparse)?Apply(?=[A-Z])|Run(?=[A-Z])|"
    + "|".join(
        (*ev.ALLOCATOR_CALLS, *ev.COPY_CALLS, *ev.SYNC_CALLS, *ev.MODULE_LOAD_CALLS, "Memcpy")
    )
)
_TELLING_LAST: Final = re.compile(
    r"(?:Dataset(?:V\d)?(?:Op)?|IteratorV3|Op|Grad|Produce|Consume|gradient_tape)\Z"
)
_TELLING_WITHIN: Final = re.compile(
    r"Tokenize|HashTable|MakeIterator|Iterator|Dataset|SyncTensorsGraph"
)
# The same of a tracer's message (analysis/device/loss.py).
_TELLING_MESSAGE: Final = re.compile(
    r"dropped|cupti|cuda|gpu|nvtx|roctracer|rocprof|hip", re.IGNORECASE
)
# What the name of an annotated stage means, the first match decides (analysis/loops/layers.py).
_STAGE: Final = "diag.stage:"
_STAGE_WORDS: Final = (
    *("post", "answer", "respon", "write", "encode"),
    *("model", "infer", "predict"),
    *("convert", "tensor", "copy"),
    *("wait", "idle", "queue"),
)
# Hosts that every machine has.
_LOCAL: Final = frozenset({"localhost", "0.0.0.0", "::", "::1", ""})  # noqa: S104  no binding


class Names:
    """Replaces what is not public in texts of one source."""

    def __init__(self, pseudonyms: Pseudonyms) -> None:
        self._pseudonyms = pseudonyms
        self._secret: set[str] = set()
        self._phrases: list[str] = []  # secret names of several tokens
        self._any_phrase: re.Pattern[str] | None = None
        self._told: dict[str, str] = {}  # tokens of names in traces

    def learn(self, name: str, kind: Kind) -> str:
        """Take a name for one to hide wherever it is, and return its pseudonym.

        A name whose parts are public is hidden too, except where it is a known name of an op or
        event. Numbers and empty names stay as they are.
        """
        if not name or name.isdigit():
            return name
        if name not in self._secret:
            self._secret.add(name)
            self._told.clear()
            if not _TOKEN.fullmatch(name) and len(self._phrases) < PHRASES_MAX:
                self._phrases.append(name)
                self._any_phrase = None
        return self._pseudonyms.of(name, kind)

    def learn_host(self, host: str) -> str:
        """The pseudonym of a host's name or address; that of this machine stays."""
        return host if _is_local(host) else self.learn(host, "host")

    def address(self, text: str) -> str:
        """``HOST:PORT`` with the host's pseudonym; ``unix:PATH`` with that of the path.

        gRPC's form with a scheme (``ipv4:10.0.0.7:8500``, ``dns:///host:1``) is read as well; what
        is no address is a message.
        """
        if not _WITH_PORT.fullmatch(text):
            return self.message(text)
        found = re.fullmatch(r"((?:ipv4|ipv6|dns|https?):(?://[^/]*/|//)?)?(.*)", text, re.DOTALL)
        scheme, rest = (found[1] or "", found[2]) if found else ("", text)
        host, colon, port = rest.rpartition(":")
        bare = host.strip("[]")
        inner = self.learn_host(bare)
        return f"{scheme}{host.replace(bare, inner) if bare else host}{colon}{port}"

    def trace(self, text: str) -> str:
        """A name in a trace: of an event, a thread, a stat, or the value of one."""
        if len(text) > TEXT_MAX_CHARACTERS:
            return self._pseudonyms.of(text)
        if text.startswith(_STAGE):
            return _STAGE + self._stage(text.removeprefix(_STAGE))
        return self._replaced(text, self._trace_token)

    def message(self, text: str) -> str:
        """A sentence, a path or a reason: also the words of messages stay."""
        if len(text) > TEXT_MAX_CHARACTERS:
            return self._pseudonyms.of(text)
        return self._replaced(text, self._message_token)

    def name(self, text: str, kind: Kind) -> str:
        """A name that stands alone; known names such as ``serving_default`` stay."""
        return text if vocabulary.is_known_name(text) else self.learn(text, kind)

    def device(self, uuid: str) -> str:
        """``GPU-…`` and ``MIG-…`` keep their form, which tells one from the other."""
        found = re.fullmatch(r"((?:MIG-)?(?:GPU-)?)(.*?)((?:/\d+)*)", uuid, re.DOTALL)
        if found is None or not found[2]:
            return uuid if not uuid else self.learn(uuid, "device")
        return f"{found[1]}{self.learn(found[2], 'device')}{found[3]}"

    def _replaced(self, text: str, token: Callable[[str], str]) -> str:
        """Names of several tokens as a whole, then addresses, then each token."""
        if not self._phrases:
            return self._without_addresses(text, token)
        if self._any_phrase is None:
            self._any_phrase = _any_of(self._phrases)
        pieces = self._any_phrase.split(text)  # every second one is a name
        return "".join(
            self._pseudonyms.of(piece) if i % 2 else self._without_addresses(piece, token)
            for i, piece in enumerate(pieces)
        )

    def _without_addresses(self, text: str, token: Callable[[str], str]) -> str:
        pieces, at = [], 0
        for found in _ADDRESS.finditer(text):
            if _is_address(found[0]):
                pieces.append(_TOKEN.sub(lambda each: token(each[0]), text[at : found.start()]))
                host = found[0]
                pieces.append(host if _is_local(host) else self._pseudonyms.of(host, "host"))
                at = found.end()
        pieces.append(_TOKEN.sub(lambda each: token(each[0]), text[at:]))
        return "".join(pieces)

    def _trace_token(self, token: str) -> str:
        found = self._told.get(token)
        if found is None:
            found = self._told[token] = self._token(token, vocabulary.is_public)
        return found

    def _message_token(self, token: str) -> str:
        if token in self._secret:
            return self._pseudonyms.of(token)
        replaced = self._token(token, vocabulary.is_message_word)
        telling = _TELLING_MESSAGE.search(token) if replaced != token else None
        return f"{telling[0].lower()}_{replaced}" if telling else replaced

    def _token(self, token: str, is_public: Callable[[str], bool]) -> str:
        """One identifier: public ones and numbers stay; ``_1`` at its end stays, too."""
        if not token or _NUMBER.fullmatch(token) or vocabulary.is_known_name(token):
            return token
        if token not in self._secret:
            if is_public(token):
                return token
            numbered = _NUMBERED.fullmatch(token)
            if numbered:
                return f"{self._token(numbered[1], is_public)}{numbered[2]}"
            prefix = _PREFIX.match(token)
            if prefix:
                return f"{prefix[0]}{self._token(token[prefix.end() :], is_public)}"
            return self._telling(token)
        return self._pseudonyms.of(token)

    def _telling(self, token: str) -> str:
        """A pseudonym next to the parts of the name that tell what the op does."""
        first = _TELLING_FIRST.match(token)
        begin = first.end() if first else 0
        last = _TELLING_LAST.search(token, begin)
        end = last.start() if last else len(token)
        if begin == end:
            return token
        within = "".join(_TELLING_WITHIN.findall(token, begin, end))
        if not (first or last or within):
            return self._pseudonyms.of(token)
        code = self._pseudonyms.of(token[begin:end], "op")
        head = f"{token[:begin]}{within}"
        return f"{head}{code[:1].upper() if head else code[:1]}{code[1:]}{token[end:]}"

    def _stage(self, name: str) -> str:
        word = next((word for word in _STAGE_WORDS if word in name.lower()), "")
        if word and name.lower() == word:
            return name
        code = self._pseudonyms.of(name)
        return f"{word}_{code}" if word else code


def _any_of(names: list[str]) -> re.Pattern[str]:
    """Any of the names as a whole, the longest first."""
    longest_first = sorted(names, key=lambda name: (-len(name), name))
    return re.compile(rf"(?<!\w)({'|'.join(map(re.escape, longest_first))})(?!\w)")


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback or host in _LOCAL
    except ValueError:
        return host in _LOCAL


def _is_address(text: str) -> bool:
    if len(text) == _UUID_CHARACTERS or _MAC.fullmatch(text):
        return True
    try:
        ipaddress.ip_address(text if ":" in text else re.sub("[-_]", ".", text))
    except ValueError:
        return False
    return True
