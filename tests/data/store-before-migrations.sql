BEGIN TRANSACTION;
CREATE TABLE attempts (
	evaluation VARCHAR NOT NULL, 
	number INTEGER NOT NULL, 
	begun DATETIME NOT NULL, 
	ended DATETIME, 
	outcome VARCHAR, 
	PRIMARY KEY (evaluation, number), 
	FOREIGN KEY(evaluation) REFERENCES evaluations (id)
);
INSERT INTO "attempts" VALUES('0123456789ab',1,'2026-11-29 01:22:43.657168','2026-11-29 01:22:43.671130','done');
INSERT INTO "attempts" VALUES('1123456789ab',1,'2026-11-29 01:22:43.673753',NULL,NULL);
INSERT INTO "attempts" VALUES('2123456789ab',1,'2026-11-29 01:22:43.679824','2026-11-29 01:22:43.683857','done');
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
INSERT INTO "evaluations" VALUES('0123456789ab','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','mine [bold] ε','tiny','cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc','dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd',3,'2026-11-29 01:22:43.654542',0.0,'{"schema_version": 1, "submission": "mine [bold] \u03b5", "challenge": "tiny", "n": 3, "verdicts": {"ok": 3}, "score": 0.5, "forgetting_quality": 0.5, "retain_ratio": 1.0, "test_ratio": 1.0, "epsilon_mean": 1.5, "seconds": 1.0, "evaluation": "0123456789ab"}','9999999999999999999999999999999999999999999999999999999999999999',NULL);
INSERT INTO "evaluations" VALUES('1123456789ab','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','mine [bold] ε','tiny','cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc','dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd',3,'2026-11-29 01:22:43.672951',1.25,NULL,NULL,'/srv/challenges/tiny');
INSERT INTO "evaluations" VALUES('2123456789ab','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb','it''s','tiny','cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc','dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd',3,'2026-11-29 01:22:43.679052',2.5,'{"schema_version": 1, "submission": "it''s", "challenge": "tiny", "n": 3, "verdicts": {"ok": 1, "crashed": 1}, "score": null, "forgetting_quality": 0.5, "retain_ratio": 1.0, "test_ratio": 1.0, "epsilon_mean": 1.5, "seconds": 1.0, "evaluation": "2123456789ab", "reason": "run 1 ended as crashed (line 1)"}',NULL,'/srv/challenges/tiny');
CREATE TABLE leases (
	evaluation VARCHAR NOT NULL, 
	token INTEGER NOT NULL, 
	holder VARCHAR NOT NULL, 
	place VARCHAR NOT NULL, 
	beats BIGINT NOT NULL, 
	expires DOUBLE NOT NULL, 
	PRIMARY KEY (evaluation)
);
INSERT INTO "leases" VALUES('0123456789ab',1,'','',0,0.0);
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
	outputs_sha256 VARCHAR, 
	PRIMARY KEY (evaluation, "index"), 
	FOREIGN KEY(evaluation) REFERENCES evaluations (id)
);
INSERT INTO "runs" VALUES('0123456789ab',0,9223372036854775807,1,'ok','',1.0,1.0,'eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee',0,NULL,'2026-11-29 01:22:43.658350',1,'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff');
INSERT INTO "runs" VALUES('0123456789ab',1,1,1,'ok','',1.0,1.0,'',0,NULL,'2026-11-29 01:22:43.661494',0,NULL);
INSERT INTO "runs" VALUES('1123456789ab',0,9223372036854775807,1,'ok','',1.0,1.0,'eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee',0,NULL,'2026-11-29 01:22:43.674108',1,'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff');
INSERT INTO "runs" VALUES('1123456789ab',1,1,1,'ok','',1.0,1.0,'',0,NULL,'2026-11-29 01:22:43.675019',0,NULL);
INSERT INTO "runs" VALUES('2123456789ab',0,9223372036854775807,1,'ok','',1.0,1.0,'eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee',0,NULL,'2026-11-29 01:22:43.680151',1,'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff');
INSERT INTO "runs" VALUES('2123456789ab',1,1,1,'crashed','line 1
''; line 2',1.0,1.0,'',7,'Boom','2026-11-29 01:22:43.681020',0,NULL);
CREATE TABLE submissions (
	sha256 VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	archive_bytes BIGINT NOT NULL, 
	added DATETIME NOT NULL, 
	PRIMARY KEY (sha256)
);
INSERT INTO "submissions" VALUES('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','mine [bold] ε',8589934592,'2026-11-29 01:22:43.652217');
INSERT INTO "submissions" VALUES('bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb','it''s',8589934594,'2026-11-29 01:22:43.678653');
CREATE TABLE terms (
	evaluation VARCHAR NOT NULL, 
	machine VARCHAR NOT NULL, 
	terms VARCHAR NOT NULL, 
	PRIMARY KEY (evaluation, machine), 
	FOREIGN KEY(evaluation) REFERENCES evaluations (id)
);
INSERT INTO "terms" VALUES('0123456789ab','','{"retrain_seconds": 2.5, "wall_seconds": 60.0, "total_seconds": null, "wall_fraction": null, "feedback": "full"}');
INSERT INTO "terms" VALUES('1123456789ab','','{"retrain_seconds": 2.5, "wall_seconds": 60.0, "total_seconds": null, "wall_fraction": null, "feedback": "full"}');
INSERT INTO "terms" VALUES('2123456789ab','','{"retrain_seconds": 2.5, "wall_seconds": 60.0, "total_seconds": null, "wall_fraction": null, "feedback": "full"}');
COMMIT;
