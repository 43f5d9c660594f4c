"""A model behind HTTPS: OpenAI-compatible or Anthropic, with a cap on cost, cache and retries.

Nothing calls it unless a configuration enables it. The key comes from the environment and is
neither cached nor said.
"""

import hashlib
import json
import os
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from thce.config import Config
from thce.errors import InputError
from thce.files import read_json, write_json
from thce.paths import home

_TRY_AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_LOCAL = ("localhost", "127.0.0.1", "::1")
CHARACTERS_A_TOKEN = 2  # cautious: more tokens are reckoned with than come


class ProviderConfig(Config):
    """Which model, and what it may cost.

    Attributes:
        kind: `openai` for anything with /chat/completions, or `anthropic`.
        url: the base, such as `https://host/v1`; plain http is for this machine only.
        model: the name of the model.
        key_variable: environment variable that holds the key; empty where none is wanted.
        max_tokens: of an answer.
        temperature: of the draw.
        price_in, price_out: dollars for a million tokens, as the provider's price list says.
        max_cost: dollars; no request is sent that could exceed it.
        retries: after a failure that may pass.
        wait: seconds before the first retry, doubled each time.
        timeout: seconds for one request.
    """

    kind: Literal["openai", "anthropic"]
    url: str
    model: str
    key_variable: str = ""
    max_tokens: int = Field(default=800, ge=1)
    temperature: float = Field(default=0.8, ge=0, le=2)
    price_in: float = Field(ge=0)
    price_out: float = Field(ge=0)
    max_cost: float = Field(gt=0)
    retries: int = Field(default=4, ge=0, le=20)
    wait: float = Field(default=1, ge=0)
    timeout: float = Field(default=60, gt=0)

    @field_validator("url")
    @classmethod
    def _encrypted(cls, url: str) -> str:
        parts = urlsplit(url)
        local = parts.scheme == "http" and parts.hostname in _LOCAL
        if parts.scheme != "https" and not local:
            raise ValueError("wants https://; http:// is for this machine only")
        return url.rstrip("/")


class CostCapReached(Exception):  # noqa: N818 - a limit that holds, not an error
    """The next request could cost more than is left."""


@dataclass
class Spent:
    """What was asked so far."""

    requests: int = 0
    cached: int = 0
    retried: int = 0
    dollars: float = 0.0


class Provider:
    """Asks one model. Answers are kept under THCE_HOME/coder/provider, by all of the request."""

    def __init__(self, config: ProviderConfig) -> None:
        """Looks for the key.

        Raises:
            InputError: the environment variable is not set.
        """
        self.config = config
        self.spent = Spent()
        self._key = os.environ.get(config.key_variable, "") if config.key_variable else ""
        if config.key_variable and not self._key:
            raise InputError(f"provider.key_variable: {config.key_variable} is not set")

    def ask(self, system: str, user: str) -> str:
        """The model's answer.

        Raises:
            CostCapReached: the request could exceed the cap.
            InputError: the provider refuses it, or does not answer after all retries.
        """
        body = self._body(system, user)
        kept = _cache_file(self.config.url, body)
        if kept.exists():
            self.spent.cached += 1
            return str(read_json(kept)["text"])
        at_most = self._price(len(system + user) // CHARACTERS_A_TOKEN + 50, self.config.max_tokens)
        if self.spent.dollars + at_most > self.config.max_cost:
            raise CostCapReached
        answer = self._send(body)
        text, tokens_in, tokens_out = self._read(answer)
        self.spent.requests += 1
        self.spent.dollars += self._price(tokens_in, tokens_out)
        write_json(kept, {"text": text})
        return text

    def _price(self, tokens_in: int, tokens_out: int) -> float:
        return (tokens_in * self.config.price_in + tokens_out * self.config.price_out) / 1e6

    def _body(self, system: str, user: str) -> dict[str, Any]:
        config = self.config
        told = {"role": "user", "content": user}
        body = {
            "model": config.model,
            "max_tokens": config.max_tokens,
            "temperature": config.temperature,
        }
        if config.kind == "anthropic":
            return body | {"system": system, "messages": [told]}
        return body | {"messages": [{"role": "system", "content": system}, told]}

    def _request(self, body: dict[str, Any]) -> urllib.request.Request:
        headers = {"Content-Type": "application/json"}
        if self.config.kind == "anthropic":
            path, headers["anthropic-version"] = "messages", "2023-06-01"
            headers["x-api-key"] = self._key
        else:
            path = "chat/completions"
            headers["Authorization"] = f"Bearer {self._key}"
        data = json.dumps(body).encode()
        return urllib.request.Request(f"{self.config.url}/{path}", data, headers)

    def _send(self, body: dict[str, Any]) -> dict[str, Any]:
        """Sends a request, again where the failure may pass."""
        wait, reason = self.config.wait, ""
        for attempt in range(self.config.retries + 1):
            if attempt:
                self.spent.retried += 1
                time.sleep(wait)
                wait *= 2
            try:
                with urllib.request.urlopen(
                    self._request(body), timeout=self.config.timeout
                ) as response:
                    return dict(json.loads(response.read()))
            except urllib.error.HTTPError as error:
                reason = f"HTTP {error.code}"
                if error.code not in _TRY_AGAIN:
                    break
                after = error.headers.get("Retry-After", "")
                wait = max(wait, float(after)) if after.isdecimal() else wait
            except (OSError, ValueError) as error:
                reason = str(getattr(error, "reason", "")) or type(error).__name__
        raise InputError(f"provider.url: {self.config.url}: no answer: {reason}")

    def _read(self, answer: dict[str, Any]) -> tuple[str, int, int]:
        """Text and tokens of an answer; where no usage is told, the most it can have cost."""
        usage = answer.get("usage") or {}
        try:
            if self.config.kind == "anthropic":
                text = "".join(part.get("text", "") for part in answer["content"])
                names = "input_tokens", "output_tokens"
            else:
                text = answer["choices"][0]["message"]["content"] or ""
                names = "prompt_tokens", "completion_tokens"
        except (KeyError, IndexError, TypeError, AttributeError):
            raise InputError(
                f"provider.url: {self.config.url}: not an answer of its kind"
            ) from None
        length = len(json.dumps(answer))
        most = length // CHARACTERS_A_TOKEN, self.config.max_tokens
        return text, int(usage.get(names[0], most[0])), int(usage.get(names[1], most[1]))


def _cache_file(url: str, body: dict[str, Any]) -> Path:
    key = hashlib.sha256(json.dumps([url, body], sort_keys=True).encode()).hexdigest()
    return home() / "coder" / "provider" / key[:2] / f"{key}.json"
