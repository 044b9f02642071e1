"""What search knows besides the objects themselves; owns pinyin_sign, search_name."""

from __future__ import annotations

from sqlalchemy import BigInteger, Identity, Index, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.db import Base


class PinyinSign(Base):
    """A Chinese sign and how it may be read."""

    __tablename__ = "pinyin_sign"
    __table_args__ = {"comment": "汉字读音 / readings of Chinese signs without tones, the usual one first"}

    sign: Mapped[str] = mapped_column(Text, primary_key=True, comment="the sign")
    readings: Mapped[list[str]] = mapped_column(ARRAY(Text), comment="readings without tones, ü written v")


class SearchName(Base):
    """The beginning of names and addresses up to their first figure, such as a street, with its pinyin."""

    __tablename__ = "search_name"
    __table_args__ = (
        Index("ix_search_name_name", "name"),
        {"comment": "检索名称 / beginnings of names and addresses up to the first figure; never removed, holds no person"},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True, comment="row number")
    name: Mapped[str] = mapped_column(Text, comment="the beginning in small letters; two writers at once may leave it twice")
    pinyin: Mapped[str] = mapped_column(Text, comment="its readings in full, then their initials, each after a space")
