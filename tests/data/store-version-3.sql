BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0003');
CREATE TABLE attempts (
	evaluation VARCHAR NOT NULL, 
	number INTEGER NOT NULL, 
	begun DATETIME NOT NULL, 
	ended DATETIME, 
	outcome VARCHAR, 
	PRIMARY KEY (evaluation, number), 
	FOREIGN KEY(evaluation) REFERENCES evaluations (id)
);
INSERT INTO "attempts" VALUES('0123456789ab',1,'2026-11-29 13:35:08.701598',NULL,NULL);
INSERT INTO "attempts" VALUES('1123456789ab',1,'2026-11-29 13:35:08.739633',NULL,NULL);
INSERT INTO "attempts" VALUES('2123456789ab',1,'2026-11-29 13:35:08.755219',NULL,NULL);
CREATE TABLE entries (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	command VARCHAR NOT NULL, 
	received DATETIME NOT NULL, 
	name VARCHAR NOT NULL, 
	path VARCHAR, 
	folder VARCHAR, 
	content_sha256 VARCHAR, 
	challenge VARCHAR NOT NULL, 
	challenge_sha256 VARCHAR NOT NULL, 
	n INTEGER NOT NULL, 
	evaluation VARCHAR, 
	outcome VARCHAR, 
	reason VARCHAR, 
	team VARCHAR, 
	note VARCHAR
);
INSERT INTO "entries" VALUES(1,'command 0','2026-11-29 13:35:08.691963','mine','mine','/','0000000000000000000000000000000000000000000000000000000000000000','digits','dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd',2,'0123456789ab','scored',NULL,NULL,NULL);
INSERT INTO "entries" VALUES(2,'command 1','2026-11-29 13:35:08.733818','it''s','it''s','/','1111111111111111111111111111111111111111111111111111111111111111','digits','dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd',2,'1123456789ab','failed',NULL,NULL,NULL);
INSERT INTO "entries" VALUES(3,'command 2','2026-11-29 13:35:08.753613','later','later','/','2222222222222222222222222222222222222222222222222222222222222222','digits','dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd',2,'2123456789ab',NULL,NULL,NULL,NULL);
INSERT INTO "entries" VALUES(4,'command 9','2026-11-29 13:35:08.770150','bad','bad.zip','/',NULL,'digits','dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd',2,NULL,'refused','it is no zip archive',NULL,NULL);
CREATE TABLE evaluations (
	id VARCHAR NOT NULL, 
	submission_sha256 VARCHAR NOT NULL, 
	submission VARCHAR NOT NULL, 
	challenge VARCHAR NOT NULL, 
	challenge_sha256 VARCHAR NOT NULL, 
	image VARCHAR NOT NULL, 
	n INTEGER NOT NULL, 
	begun DATETIME NOT NULL, 
	seconds DOUBLE NOT NULL, 
	summary VARCHAR, 
	manifest_sha256 VARCHAR, 
	challenge_folder VARCHAR, 
	PRIMARY KEY (id), 
	FOREIGN KEY(submission_sha256) REFERENCES submissions (sha256)
);
INSERT INTO "evaluations" VALUES('0123456789ab','0000000000000000000000000000000000000000000000000000000000000000','mine','digits','dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd','eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee',2,'2026-11-29 13:35:08.670787',0.0,'{"schema_version": 1, "evaluation": "0123456789ab", "submission": "mine", "challenge": "digits", "n": 2, "verdicts": {"ok": 2}, "score": 0.25, "seconds": 3.0}','ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff','/challenges/digits');
INSERT INTO "evaluations" VALUES('1123456789ab','1111111111111111111111111111111111111111111111111111111111111111','it''s','digits','dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd','eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee',2,'2026-11-29 13:35:08.732541',0.0,'{"schema_version": 1, "evaluation": "1123456789ab", "submission": "it''s", "challenge": "digits", "n": 2, "verdicts": {"ok": 2}, "score": null, "seconds": 3.0}','ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff','/challenges/digits');
INSERT INTO "evaluations" VALUES('2123456789ab','2222222222222222222222222222222222222222222222222222222222222222','later','digits','dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd','eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee',2,'2026-11-29 13:35:08.752396',0.0,NULL,NULL,'/challenges/digits');
CREATE TABLE leases (
	evaluation VARCHAR NOT NULL, 
	token INTEGER NOT NULL, 
	holder VARCHAR NOT NULL, 
	place VARCHAR NOT NULL, 
	beats BIGINT NOT NULL, 
	expires DOUBLE NOT NULL, 
	PRIMARY KEY (evaluation)
);
CREATE TABLE runs (
	evaluation VARCHAR NOT NULL, 
	"index" INTEGER NOT NULL, 
	seed BIGINT NOT NULL, 
	attempt INTEGER NOT NULL, 
	verdict VARCHAR NOT NULL, 
	detail VARCHAR NOT NULL, 
	host_seconds DOUBLE NOT NULL, 
	run_seconds DOUBLE NOT NULL, 
	checkpoint_sha256 VARCHAR NOT NULL, 
	log_bytes_dropped BIGINT NOT NULL, 
	exception_type VARCHAR, 
	ended DATETIME NOT NULL, 
	evaluated BOOLEAN NOT NULL, 
	outputs_sha256 VARCHAR, peak_memory_bytes BIGINT, 
	PRIMARY KEY (evaluation, "index"), 
	FOREIGN KEY(evaluation) REFERENCES evaluations (id)
);
INSERT INTO "runs" VALUES('0123456789ab',0,0,1,'ok','',1.5,1.0,'0000000000000000000000000000000000000000000000000000000000000000',0,NULL,'2026-11-29 13:35:08.702799',0,NULL,1000);
INSERT INTO "runs" VALUES('0123456789ab',1,1,1,'ok','',1.5,1.0,'0101010101010101010101010101010101010101010101010101010101010101',0,NULL,'2026-11-29 13:35:08.719868',0,NULL,1000);
INSERT INTO "runs" VALUES('1123456789ab',0,0,1,'crashed','',1.5,1.0,'1010101010101010101010101010101010101010101010101010101010101010',0,NULL,'2026-11-29 13:35:08.740122',0,NULL,1000);
INSERT INTO "runs" VALUES('1123456789ab',1,1,1,'crashed','',1.5,1.0,'1111111111111111111111111111111111111111111111111111111111111111',0,NULL,'2026-11-29 13:35:08.741199',0,NULL,1000);
INSERT INTO "runs" VALUES('2123456789ab',0,0,1,'ok','',1.5,1.0,'2020202020202020202020202020202020202020202020202020202020202020',0,NULL,'2026-11-29 13:35:08.758243',0,NULL,1000);
INSERT INTO "runs" VALUES('2123456789ab',1,1,1,'ok','',1.5,1.0,'2121212121212121212121212121212121212121212121212121212121212121',0,NULL,'2026-11-29 13:35:08.767465',0,NULL,1000);
CREATE TABLE submissions (
	sha256 VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	archive_bytes BIGINT NOT NULL, 
	added DATETIME NOT NULL, 
	PRIMARY KEY (sha256)
);
INSERT INTO "submissions" VALUES('0000000000000000000000000000000000000000000000000000000000000000','mine',10,'2026-11-29 13:35:08.668162');
INSERT INTO "submissions" VALUES('1111111111111111111111111111111111111111111111111111111111111111','it''s',10,'2026-11-29 13:35:08.731984');
INSERT INTO "submissions" VALUES('2222222222222222222222222222222222222222222222222222222222222222','later',10,'2026-11-29 13:35:08.751892');
CREATE TABLE terms (
	evaluation VARCHAR NOT NULL, 
	machine VARCHAR NOT NULL, 
	terms VARCHAR NOT NULL, 
	PRIMARY KEY (evaluation, machine), 
	FOREIGN KEY(evaluation) REFERENCES evaluations (id)
);
INSERT INTO "terms" VALUES('0123456789ab','','{"machine": "", "wall_seconds": 60.0, "total_seconds": null, "wall_fraction": null, "retrain_seconds": null, "feedback": "full"}');
INSERT INTO "terms" VALUES('1123456789ab','','{"machine": "", "wall_seconds": 60.0, "total_seconds": null, "wall_fraction": null, "retrain_seconds": null, "feedback": "full"}');
INSERT INTO "terms" VALUES('2123456789ab','','{"machine": "", "wall_seconds": 60.0, "total_seconds": null, "wall_fraction": null, "retrain_seconds": null, "feedback": "full"}');
CREATE INDEX ix_entries_content_sha256 ON entries (content_sha256);
CREATE INDEX ix_entries_evaluation ON entries (evaluation);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('entries',4);
COMMIT;
