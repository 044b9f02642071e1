"""ENT: the enterprise's own profile, its certificates and its people."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from ingestion_adapters.contract.base import Code, LongText, Record, Text, Uscc, coded, figure, personal, said

MOST_CERTIFICATES, MOST_PEOPLE = 500, 20_000


class Certificate(Record, kw_only=True, frozen=True):
    """ENT: a licence or certificate of the enterprise; key `kind` and `no`."""

    kind: Annotated[int, coded("certificate_kind", "证照类型", "Kind of certificate")]
    no: Annotated[Code, said("证照编号", "Certificate number")]
    expires_on: Annotated[date | None | UnsetType, said("有效期至", "Valid until")] = UNSET
    name: Annotated[Text | None | UnsetType, said("证照名称", "Certificate")] = UNSET
    issuer: Annotated[Text | None | UnsetType, said("发证机关", "Issued by")] = UNSET
    issued_on: Annotated[date | None | UnsetType, said("发证日期", "Issued on")] = UNSET


class Person(Record, kw_only=True, frozen=True):
    """ENT: one of the enterprise's people; key `person_no`; names, phones and numbers are masked on arrival."""

    person_no: Annotated[Code, said("人员编号", "Staff number")]
    name: Annotated[Text, Meta(min_length=1), personal("name", "姓名", "Person")]
    duty: Annotated[int, coded("person_duty", "岗位", "Duty")]
    team: Annotated[Text | None | UnsetType, said("班组", "Team")] = UNSET
    phone: Annotated[Text | None | UnsetType, personal("phone", "联系电话", "Phone")] = UNSET
    certificate: Annotated[Text | None | UnsetType, said("从业资格", "Qualification")] = UNSET
    certificate_no: Annotated[Text | None | UnsetType, personal("number", "资格证编号", "Qualification number")] = UNSET
    certificate_expires_on: Annotated[date | None | UnsetType, said("资格有效期至", "Qualified until")] = UNSET
    terminal_id: Annotated[Code | None | UnsetType, said("终端编号", "Terminal")] = UNSET
    in_service: Annotated[bool | None | UnsetType, said("在岗", "In service")] = UNSET


class Enterprise(Record, kw_only=True, frozen=True):
    """ENT: the enterprise's own profile; key `uscc`; a list of certificates or people stands for all of them."""

    uscc: Uscc
    name: Annotated[str, Meta(min_length=1, max_length=200), said("企业名称", "Name")]
    kind: Annotated[int, coded("enterprise_kind", "企业类型", "Kind")]
    licence_no: Annotated[Text, said("许可证编号", "Licence number")]
    licence_expire: Annotated[date, said("许可证有效期至", "Licence valid until")]
    duty_phone: Annotated[Text, said("24小时值班电话", "24 h duty phone")]
    short_name: Annotated[Text | None, said("简称", "Short name")] = None
    safety_head: Annotated[Text | None, personal("name", "安全负责人", "Head of safety")] = None
    staff_n: Annotated[int | None, said("员工数", "Staff")] = None
    certified_n: Annotated[int | None, said("持证人数", "Certified staff")] = None
    licence_scope: Annotated[LongText | None | UnsetType, said("许可经营范围", "Licensed business")] = UNSET
    legal_person: Annotated[Text | None | UnsetType, personal("name", "法定代表人", "Legal representative")] = UNSET
    safety_head_phone: Annotated[
        Text | None | UnsetType, personal("phone", "安全负责人电话", "Phone of the head of safety")
    ] = UNSET
    safety_staff_n: Annotated[int | None | UnsetType, figure("专职安全人员数", "Safety staff")] = UNSET
    users_n: Annotated[int | None | UnsetType, figure("用户数", "Users")] = UNSET
    pipe_km: Annotated[float | None | UnsetType, figure("管网长度", "Pipe length", "km")] = UNSET
    plan_filed: Annotated[bool | None | UnsetType, said("应急预案已备案", "Emergency plan filed")] = UNSET
    control_system: Annotated[
        LongText | None | UnsetType, said("监控系统及遵循标准", "Control system and standards met")
    ] = UNSET
    redundancy: Annotated[LongText | None | UnsetType, said("冗余配置", "Redundancy")] = UNSET
    backup_centre: Annotated[Text | None | UnsetType, said("备用监控中心", "Backup control centre")] = UNSET
    backup_switched_on: Annotated[
        date | None | UnsetType, said("备用中心上次切换演练", "Last switch drill of the backup centre")
    ] = UNSET
    certificates: Annotated[
        Annotated[list[Certificate], Meta(max_length=MOST_CERTIFICATES)] | UnsetType, said("证照", "Certificates")
    ] = UNSET
    people: Annotated[Annotated[list[Person], Meta(max_length=MOST_PEOPLE)] | UnsetType, said("从业人员", "People")] = (
        UNSET
    )
