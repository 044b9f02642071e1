-- The safety index of each day, of the city and of its districts. Runs as ranjian_owner.

CREATE TABLE safety_index (
	day DATE NOT NULL, 
	adcode TEXT NOT NULL, 
	score DOUBLE PRECISION, 
	device DOUBLE PRECISION, 
	coverage DOUBLE PRECISION, 
	accidents DOUBLE PRECISION, 
	surroundings DOUBLE PRECISION, 
	management DOUBLE PRECISION, 
	noted_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	CONSTRAINT pk_safety_index PRIMARY KEY (day, adcode)
);
COMMENT ON TABLE safety_index IS '安全指数 / safety index by day, of the city (empty adcode) and its districts';
COMMENT ON COLUMN safety_index.day IS 'day in city time';
COMMENT ON COLUMN safety_index.adcode IS 'district; empty for the whole city';
COMMENT ON COLUMN safety_index.score IS '综合 / index, 0 to 100';
COMMENT ON COLUMN safety_index.device IS '设备状态 / points that report, %';
COMMENT ON COLUMN safety_index.coverage IS '监测覆盖 / stations and regulators with points, %';
COMMENT ON COLUMN safety_index.accidents IS '事故历史 / score of a year''s incidents';
COMMENT ON COLUMN safety_index.surroundings IS '周边环境 / pipe length neither red nor orange, %';
COMMENT ON COLUMN safety_index.management IS '管理水平 / dangers closed and cases in time, %';
COMMENT ON COLUMN safety_index.noted_at IS 'when it was last worked out';

-- The running log walks the ledgers by time.
create index ix_alarm_event_at on alarm_event (at, id);
create index ix_case_step_at on case_step (at, id);
create index ix_device_step_at on device_step (at, id);

alter table safety_index enable row level security;
create policy in_scope on safety_index using (
  (select scope_all()) or adcode = any ((select scope_districts())::text[])) with check ((select scope_all()));
grant select on safety_index to ranjian_app, ranjian_worker;
grant insert, update on safety_index to ranjian_worker;
