"""Laws and standards that an evaluation refers to, with their edition."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Standard:
    """One law or standard: number, title in both languages, and what it is used for (a message id)."""

    number: str
    title_zh: str
    title_en: str
    used_for: str


STANDARDS: tuple[Standard, ...] = (
    Standard(
        "国务院令第583号（2016年修订）",
        "城镇燃气管理条例",
        "Regulations on urban gas administration",
        "Licence, duties of enterprises",
    ),
    Standard(
        "报批稿",
        "智慧城市 市政基础设施 燃气系统通用要求",
        "Smart city, municipal infrastructure: general requirements of gas systems (draft)",
        "Clause 10.2, structure of this report",
    ),
    Standard(
        "GB 55009-2021",
        "燃气工程项目规范",
        "Project code for gas engineering",
        "Pressure classes, safety of facilities",
    ),
    Standard(
        "GB 50028-2006（2020年版）",
        "城镇燃气设计规范",
        "Code for design of city gas engineering",
        "Pressure limits, telemetry points",
    ),
    Standard(
        "CJJ 51-2016",
        "城镇燃气设施运行、维护和抢修安全技术规程",
        "Safety specification for operation, maintenance and rush repair of city gas facilities",
        "Leak repair, maintenance",
    ),
    Standard(
        "CJJ/T 146-2011",
        "城镇燃气报警控制系统技术规程",
        "Technical specification for gas alarm and control systems",
        "Gas detectors",
    ),
    Standard(
        "CJJ/T 259-2016",
        "城镇燃气自动化系统技术规范",
        "Technical code for city gas automation systems",
        "Data acquisition",
    ),
    Standard(
        "GB/T 50811-2012",
        "燃气系统运行安全评价标准",
        "Standard for the operational safety assessment of gas systems",
        "Method of assessment",
    ),
    Standard(
        "CJJ/T 312-2021",
        "城市运行管理服务平台技术标准",
        "Technical standard for urban operation management platforms",
        "Flow of supervision cases",
    ),
    Standard(
        "发改价格〔2017〕1171号",
        "关于加强配气价格监管的指导意见",
        "Guidance on the supervision of gas distribution prices",
        "Unaccounted-for gas",
    ),
    Standard(
        "GB/T 32905-2016",
        "信息安全技术 SM3密码杂凑算法",
        "SM3 cryptographic hash algorithm",
        "Digest of data snapshot and file",
    ),
)
