"""Version 1 of the risk model as migration 0030 released it; a new version is drawn up in the portal, never here."""

from __future__ import annotations

from gis.risk.model import Factor, Model

_RATES = (
    "城市燃气管道基准失效率，经验值，须按本市泄漏记录重新拟合 / base rates of city pipes, to be fitted to local leaks"
)
_MODIFIER = "经验修正系数 / modifier by experience (default)"
_FACTORS = (
    Factor(
        "base",
        1.0,
        {
            "pe": 0.02, "steel_protected": 0.05, "steel_bare": 0.15, "ductile": 0.15, "grey": 0.50, "steel_high": 0.003,
            "stainless": 0.05, "other": 0.15,
        },
        _RATES,
    ),
    Factor("age", 1.0, {"slope": 0.03, "from_years": 15, "least": 0.6, "most": 3.0, "unknown": 1.0}, _MODIFIER),
    Factor(
        "diameter",
        1.0,
        {"small_below_mm": 108, "small": 1.3, "large_from_mm": 315, "large": 0.7, "other": 1.0},
        _MODIFIER + "；DN100 = 108 mm, DN300 = 315 mm",
    ),
    Factor("corrosion", 1.0, {"found": 1.5, "none": 1.0}, _MODIFIER),
    Factor("protection", 1.0, {"missing": 2.0, "unknown": 1.0, "other": 1.0}, _MODIFIER),
    Factor("works", 1.0, {"open": 5.0, "none": 1.0}, _MODIFIER + "；开工期间 / while works are open"),
    Factor("leak", 1.0, {"found": 2.0, "none": 1.0}, _MODIFIER + "；24个月内 / within 24 months"),
    Factor("settlement", 1.0, {"found": 2.0, "none": 1.0}, _MODIFIER),
    Factor("joint", 1.0, {"drilled": 1.3, "electrofusion": 1.3, "unknown": 1.0, "other": 1.0}, _MODIFIER),
    Factor("patrol", 1.0, {"overdue": 1.2, "unknown": 1.0, "in_time": 1.0}, _MODIFIER),
    Factor("likelihood_bands", 1.0, {"to_1": 1e-3, "to_2": 1e-2, "to_3": 5e-2, "to_4": 2e-1}, "default"),
    Factor("people_bands", 1.0, {"to_1": 1, "to_2": 10, "to_3": 50, "to_4": 200}, "default"),
    Factor("supply_bands", 1.0, {"to_1": 100, "to_2": 1000, "to_3": 5000, "to_4": 10000}, "default"),
    Factor("plus", 1.0, {"space": 1.0, "sensitive": 1.0}, "default"),
    Factor(
        "reach",
        1.0,
        {
            "class_1": 60, "class_2": 50, "class_3": 40, "class_4": 30, "class_5": 20, "class_6": 15, "class_7": 15,
            "hole_mm": 20, "flux_kw_per_m2": 12.5,
        },
        "default; 20 mm: HJ 169-2018; 12.5 kW/m²: 1 % 致死（1 min）",
    ),
    Factor("colours", 1.0, {"yellow_from": 5, "orange_from": 12, "red_from": 20}, "安委办〔2016〕11号；矩阵 R = L × C"),
)  # fmt: skip
VERSION_1 = Model(1, {each.key: each for each in _FACTORS})
