"""Settings: from the environment (prefix UNDERSTUDY_) or a `.env` file; each has a default that works."""

import os
import shlex
from pathlib import Path

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from studio.errors import BadInput, first_said

GIB = 1 << 30


def default_data_dir() -> Path:
    """Return where things are kept: a Space's persistent disk, or the user's data folder."""
    mounted = Path("/data")
    if os.environ.get("SPACE_ID") and os.access(mounted, os.W_OK):
        return mounted / "understudy"
    home = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(home).expanduser() / "understudy"


class Settings(BaseSettings):
    """What one studio may use and whom it serves."""

    model_config = SettingsConfigDict(
        env_prefix="UNDERSTUDY_",
        env_file=".env",
        extra="ignore",
        frozen=True,
        use_attribute_docstrings=True,
    )

    data_dir: Path = Field(default_factory=default_data_dir)
    """Folder of everything the studio keeps: uploads, finished steps, jobs, exports, logs"""
    database_url: SecretStr = SecretStr("")
    """Where jobs are written; empty: a SQLite file in data_dir. A postgresql:// address lets several machines that share one data_dir share one queue"""
    worker: str = Field(default="local", pattern=r"^[A-Za-z0-9_.-]{1,64}$")
    """This machine's name among those that share a queue; the same after every restart"""
    host: str = "127.0.0.1"
    """Address to listen on; anything but loopback wants a login"""
    port: int = Field(default=7860, ge=0, le=65535)
    """Port to listen on; 0 takes a free one"""
    auth: SecretStr = SecretStr("")
    """Who may log in, as name:password pairs with commas between; empty: no login"""
    hf_oauth: bool = False
    """Log in with Hugging Face (on a Space with hf_oauth: true)"""
    price_per_hour: float = Field(default=0.0, ge=0)
    """What an hour of this machine costs, to show what a job costs"""
    currency: str = "USD"
    """Currency of the price"""
    daily_limit_per_owner: int = Field(default=0, ge=0)
    """Jobs one person may submit within 24 hours; 0: no limit"""
    queue_limit: int = Field(default=100, ge=1)
    """Jobs that may wait at the same time"""
    cpu_jobs: int = Field(default=1, ge=1)
    """Jobs that need no GPU and may run at the same time"""
    max_upload_mb: int = Field(default=20_000, ge=1)
    """Largest file that is taken in, in MB"""
    max_media_hours: float = Field(default=6.0, gt=0)
    """Longest video or sound that is taken in, in hours"""
    cache_max_gb: float = Field(default=50.0, gt=0)
    """Finished steps that no result needs are dropped, oldest use first, above this many GB"""
    vram_budget_gb: float = Field(default=0.0, ge=0)
    """GB of the device's memory that engines may use; 0: nearly all of it. On a machine without a GPU, weights are then moved within so much memory instead of staying where they were loaded"""
    ram_budget_gb: float = Field(default=0.0, ge=0)
    """GB of main memory that weights may take; 0: what this machine, or its container, has to spare"""
    pinned_gb: float = Field(default=-1.0, ge=-1)
    """GB of main memory that are set aside for fast transfers to a GPU; -1: half of what weights may take; 0: none"""
    smaller_engines: bool = False
    """Where an engine does not fit into memory, even in parts, its smaller sibling does the rest; the report says so"""
    vram_idle_s: float = Field(default=300.0, ge=0)
    """Seconds without work after which the device's memory is freed; 0: never"""
    ram_idle_s: float = Field(default=1800.0, ge=0)
    """Seconds without work after which engines leave main memory; 0: never"""
    stop_idle_s: float = Field(default=0.0, ge=0)
    """Seconds without a job and without an open page after which stop_command runs; 0: never"""
    stop_command: str = ""
    """Program with its arguments that stops this machine when it is idle (a rented one costs money); no shell"""
    crash_limit: int = Field(default=3, ge=1)
    """A job that takes the whole program down this many times in the same step is given up"""
    presets_dir: str = ""
    """Folders of own engines, qualities and voices, laid out as presets/ and added to it; several with : between"""
    offline: bool = False
    """Never ask the network for anything"""
    llm_url: str = Field(default="", max_length=2000)
    """Address of a language model's server (chat completions), such as http://localhost:11434/v1; empty: none is asked"""
    llm_model: str = Field(default="", max_length=200)
    """What that server calls the model"""
    llm_key: SecretStr = SecretStr("")
    """Key for that server, if it wants one"""

    @field_validator("auth")
    @classmethod
    def _pairs(cls, value: SecretStr) -> SecretStr:
        for pair in filter(None, value.get_secret_value().split(",")):
            name, _, password = pair.partition(":")
            if not name.strip() or not password:
                raise ValueError("write name:password pairs with commas between")
        return value

    @field_validator("stop_command")
    @classmethod
    def _words(cls, value: str) -> str:
        shlex.split(value)  # raises where a quotation has no end
        return value

    @field_validator("data_dir")
    @classmethod
    def _whole_path(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    def users(self) -> dict[str, str]:
        """Return name -> password of everybody who may log in."""
        pairs = (each.partition(":") for each in self.auth.get_secret_value().split(",") if each)
        return {name.strip(): password for name, _, password in pairs}

    @property
    def database(self) -> str:
        """The database's address, the default filled in."""
        return self.database_url.get_secret_value() or f"sqlite:///{self.data_dir / 'studio.db'}"

    @property
    def shares_queue(self) -> bool:
        """Whether other machines may work on the same queue."""
        return not self.database.startswith("sqlite")

    @property
    def cache_max_bytes(self) -> int:
        """`cache_max_gb` in bytes."""
        return int(self.cache_max_gb * GIB)

    @property
    def exports(self) -> Path:
        """The only folder that is served to browsers."""
        return self.data_dir / "exports"

    @property
    def uploads(self) -> Path:
        """The folder of the browsers' uploads, kept for a day."""
        return self.data_dir / "uploads"

    @property
    def logs(self) -> Path:
        """The folder of log files."""
        return self.data_dir / "logs"


def load_settings() -> Settings:
    """Read the settings.

    Raises:
        BadInput: if one has a value that cannot be used; it names the variable.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        name = f"UNDERSTUDY_{'_'.join(str(part) for part in first['loc'])}".upper()
        raise BadInput(f"{name}: {first_said(error)}", remedy="Correct or unset it.") from error
