"""Network records (NET) of one enterprise, in the contract's types."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import numpy as np

from ingestion_adapters.contract import LineString, Node, Pipe, Regulator, Station, Valve
from ingestion_adapters.demo.codebook import Codebook, codebook_of
from ingestion_adapters.demo.frame import elevation_m, lonlat_from_metres
from ingestion_adapters.demo.netparts import LOW, MEDIUM_A, MEDIUM_B, SUB_HIGH_B, Network
from ingestion_adapters.demo.network import network_of
from ingestion_adapters.demo.specs import DESIGN_P_MPA, MOP_MPA, Specs, joined_kinds, specs_of

P2_SET_KPA = {LOW: 2.6, MEDIUM_B: 160.0, MEDIUM_A: 350.0}
_CLASS_WORDS = {2: "高压B", 3: "次高压A", 4: "次高压B", 5: "中压A", 6: "中压B", 7: "低压"}
_FORM_WORDS = {1: "调压站", 2: "调压柜", 3: "调压箱"}
_DESIGN_M3_PER_H = {LOW: 400.0, MEDIUM_B: 2500.0, MEDIUM_A: 6000.0}
_NOMINAL_MM = ((100, 80), (115, 100), (165, 150), (220, 200), (280, 250), (330, 300), (410, 400))


def nominal_mm(od_mm: float) -> float:
    """Return the nominal diameter of the valve that fits an outside diameter."""
    return float(next((dn for limit, dn in _NOMINAL_MM if od_mm <= limit), 500))


def _nodes(network: Network, codes: Codebook, specs: Specs, tile: int) -> Iterator[Node]:
    lonlat = lonlat_from_metres(network.xy, tile)
    heights = np.round(elevation_m(network.xy), 2)
    kinds = joined_kinds(network, specs)
    for index, (lon, lat) in enumerate(lonlat.tolist()):
        yield Node(
            src_code=codes.node[index],
            lon=lon,
            lat=lat,
            kind=int(kinds[index]),
            elevation_m=float(heights[index]),
        )


def _pipes(network: Network, codes: Codebook, specs: Specs, tile: int) -> Iterator[Pipe]:
    for index, pipe in enumerate(network.pipes):
        year, month = int(specs.year[index]), int(specs.month[index])
        yield Pipe(
            src_code=codes.pipe[index],
            name=f"{pipe.road_name}{_CLASS_WORDS[pipe.klass]}{index + 1}段",
            from_node=codes.node[pipe.a],
            to_node=codes.node[pipe.b],
            pressure_class=pipe.klass,
            material=int(specs.material[index]),
            od_mm=float(specs.od_mm[index]),
            wall_mm=float(specs.wall_mm[index]),
            design_p_mpa=DESIGN_P_MPA[pipe.klass],
            mop_mpa=MOP_MPA[pipe.klass],
            length_m=round(float(network.pipe_length_m[index]), 2),
            laying=pipe.laying,
            depth_start_m=float(specs.cover_start_m[index]),
            depth_end_m=float(specs.cover_end_m[index]),
            coating=int(specs.coating[index]),
            cp_kind=int(specs.cp_kind[index]),
            joint=int(specs.joint[index]),
            road_name=pipe.road_name,
            install_year=year,
            commission_date=date(year, month, 1 + index % 28),
            geom=LineString(coordinates=lonlat_from_metres(pipe.line, tile).tolist()),
        )


def _valves(network: Network, codes: Codebook, specs: Specs, tile: int) -> Iterator[Valve]:
    lonlat = lonlat_from_metres(network.xy, tile).tolist()
    for index, valve in enumerate(network.valves):
        pipe = int(codes.pipe_at_node[valve.node])
        plastic = specs.coating[pipe] == 7
        yield Valve(
            src_code=codes.valve[index],
            name=f"{network.pipes[pipe].road_name}{index + 1}号阀",
            node=codes.node[valve.node],
            lon=lonlat[valve.node][0],
            lat=lonlat[valve.node][1],
            dn_mm=nominal_mm(float(specs.od_mm[pipe])),
            kind=5 if plastic else 1 if valve.klass <= SUB_HIGH_B else 2,
            drive=2 if valve.remote else 1,
            remote=valve.remote,
        )


def _regulators(network: Network, codes: Codebook, tile: int) -> Iterator[Regulator]:
    lonlat = lonlat_from_metres(network.xy, tile).tolist()
    for index, regulator in enumerate(network.regulators):
        road = network.pipes[int(codes.pipe_at_node[regulator.inlet])].road_name
        low_side = regulator.outlet_class
        yield Regulator(
            src_code=codes.regulator[index],
            name=f"{road}{index + 1}号{_FORM_WORDS[regulator.form]}",
            node=codes.node[regulator.inlet],
            outlet_node=codes.node[regulator.outlet],
            lon=lonlat[regulator.inlet][0],
            lat=lonlat[regulator.inlet][1],
            form=regulator.form,
            inlet_class=regulator.inlet_class,
            outlet_class=low_side,
            p2_set_kpa=P2_SET_KPA.get(low_side, MOP_MPA[low_side] * 1000),
            design_m3_per_h=_DESIGN_M3_PER_H.get(low_side, 12_000.0),
        )


def _stations(network: Network, codes: Codebook, tile: int) -> Iterator[Station]:
    for index, station in enumerate(network.stations):
        lon, lat = lonlat_from_metres(np.array(station.xy), tile).tolist()
        yield Station(
            src_code=codes.station[index],
            name=station.name + (f"{tile + 1}" if tile else ""),
            lon=lon,
            lat=lat,
            kind=station.kind,
            node=codes.node[station.node] if station.node >= 0 else None,
            address=f"云川市{station.name}",
            design_m3_per_h=station.design_m3_per_h,
            p_in_mpa=station.p_in_mpa,
            p_out_mpa=station.p_out_mpa,
            storage_m3=station.storage_m3,
            attended=station.kind != 8,
        )


def network_records(key: str, tile: int = 0) -> Iterator[Node | Station | Pipe | Valve | Regulator]:
    """Yield one enterprise's network of one tile: nodes before what refers to them."""
    network, codes, specs = network_of(key), codebook_of(key, tile), specs_of(key)
    yield from _nodes(network, codes, specs, tile)
    yield from _stations(network, codes, tile)
    yield from _pipes(network, codes, specs, tile)
    yield from _valves(network, codes, specs, tile)
    yield from _regulators(network, codes, tile)
