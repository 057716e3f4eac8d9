BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0014');
CREATE TABLE attempts (
	evaluation VARCHAR NOT NULL, 
	number INTEGER NOT NULL, 
	begun DATETIME NOT NULL, 
	ended DATETIME, 
	outcome VARCHAR, device VARCHAR, 
	PRIMARY KEY (evaluation, number), 
	FOREIGN KEY(evaluation) REFERENCES evaluations (id)
);
INSERT INTO "attempts" VALUES('0123456789ab',1,'2026-11-30 15:34:27.464863','2026-11-30 15:34:27.485912','done','cpu 1/2');
CREATE TABLE audit (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	at DATETIME NOT NULL, 
	competition VARCHAR NOT NULL, 
	who VARCHAR NOT NULL, 
	act VARCHAR NOT NULL, 
	subject VARCHAR NOT NULL, 
	reason VARCHAR
);
CREATE TABLE competition_choices (
	competition VARCHAR NOT NULL, 
	final VARCHAR NOT NULL, 
	entry INTEGER NOT NULL, 
	team VARCHAR NOT NULL, 
	chosen DATETIME NOT NULL, 
	PRIMARY KEY (competition, final, entry), 
	FOREIGN KEY(entry) REFERENCES competition_entries (id)
);
CREATE TABLE competition_entries (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	competition VARCHAR NOT NULL, 
	phase VARCHAR NOT NULL, 
	team VARCHAR NOT NULL, 
	received DATETIME NOT NULL, 
	file_name VARCHAR NOT NULL, 
	archive_sha256 VARCHAR, 
	bytes BIGINT NOT NULL, 
	state VARCHAR NOT NULL, 
	state_since DATETIME NOT NULL, 
	challenge VARCHAR NOT NULL, 
	evaluation VARCHAR, 
	reason VARCHAR, 
	attempts INTEGER NOT NULL, 
	seconds DOUBLE NOT NULL, 
	source INTEGER, 
	batch INTEGER, 
	pending BOOLEAN NOT NULL, 
	idempotency_key VARCHAR, upload VARCHAR, upload_sha256 VARCHAR, rescores VARCHAR, 
	FOREIGN KEY(competition, team) REFERENCES teams (competition, name), 
	CONSTRAINT uq_competition_entries_key UNIQUE (competition, idempotency_key), 
	FOREIGN KEY(source) REFERENCES competition_entries (id)
);
CREATE TABLE competitions (
	name VARCHAR NOT NULL, 
	secret VARCHAR NOT NULL, 
	paused DATETIME, 
	PRIMARY KEY (name)
);
CREATE TABLE conditions (
	evaluation VARCHAR NOT NULL, 
	manifest_sha256 VARCHAR NOT NULL, 
	conditions VARCHAR NOT NULL, 
	PRIMARY KEY (evaluation), 
	FOREIGN KEY(evaluation) REFERENCES evaluations (id)
);
CREATE TABLE ended_sessions (
	session VARCHAR NOT NULL, 
	expires DATETIME NOT NULL, 
	PRIMARY KEY (session)
);
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
	challenge_folder VARCHAR, parent VARCHAR, 
	PRIMARY KEY (id), 
	FOREIGN KEY(submission_sha256) REFERENCES submissions (sha256)
);
INSERT INTO "evaluations" VALUES('0123456789ab','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','mine','hidden','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb','cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc',2,'2026-11-30 15:34:27.445366',0.0,NULL,NULL,NULL,NULL);
CREATE TABLE halved_metrics (
	evaluation VARCHAR NOT NULL, 
	metric VARCHAR NOT NULL, 
	seed BIGINT NOT NULL, 
	scorer INTEGER NOT NULL, 
	manifest_sha256 VARCHAR NOT NULL, 
	value DOUBLE NOT NULL, 
	halves VARCHAR NOT NULL, 
	PRIMARY KEY (evaluation, metric, seed, scorer), 
	FOREIGN KEY(evaluation) REFERENCES evaluations (id)
);
CREATE TABLE halved_scores (
	evaluation VARCHAR NOT NULL, 
	seed BIGINT NOT NULL, 
	scorer INTEGER NOT NULL, 
	manifest_sha256 VARCHAR NOT NULL, 
	value DOUBLE NOT NULL, 
	halves VARCHAR NOT NULL, 
	PRIMARY KEY (evaluation, seed, scorer), 
	FOREIGN KEY(evaluation) REFERENCES evaluations (id)
);
CREATE TABLE identity (
	identity VARCHAR NOT NULL, 
	PRIMARY KEY (identity)
);
CREATE TABLE leases (
	evaluation VARCHAR NOT NULL, 
	token INTEGER NOT NULL, 
	holder VARCHAR NOT NULL, 
	place VARCHAR NOT NULL, 
	beats BIGINT NOT NULL, 
	expires DOUBLE NOT NULL, 
	PRIMARY KEY (evaluation)
);
CREATE TABLE rates (
	name VARCHAR NOT NULL, 
	begun DATETIME NOT NULL, 
	count INTEGER NOT NULL, 
	PRIMARY KEY (name)
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
	outputs_sha256 VARCHAR, peak_memory_bytes BIGINT, setup_seconds DOUBLE, processor_seconds DOUBLE, 
	PRIMARY KEY (evaluation, "index"), 
	FOREIGN KEY(evaluation) REFERENCES evaluations (id)
);
INSERT INTO "runs" VALUES('0123456789ab',0,1,1,'ok','',1.0,1.0,'',0,NULL,'2026-11-30 15:34:27.472524',0,NULL,NULL,NULL,1.5);
INSERT INTO "runs" VALUES('0123456789ab',1,1,1,'crashed','',1.0,1.0,'',0,'Boom','2026-11-30 15:34:27.484070',0,NULL,NULL,NULL,NULL);
CREATE TABLE submissions (
	sha256 VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	archive_bytes BIGINT NOT NULL, 
	added DATETIME NOT NULL, 
	PRIMARY KEY (sha256)
);
INSERT INTO "submissions" VALUES('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','mine',1,'2026-11-30 15:34:27.432209');
CREATE TABLE teams (
	competition VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	created DATETIME NOT NULL, 
	token_sha256 VARCHAR, 
	revoked DATETIME, merged_into VARCHAR, deleted DATETIME, 
	PRIMARY KEY (competition, name)
);
CREATE TABLE terms (
	evaluation VARCHAR NOT NULL, 
	machine VARCHAR NOT NULL, 
	terms VARCHAR NOT NULL, 
	PRIMARY KEY (evaluation, machine), 
	FOREIGN KEY(evaluation) REFERENCES evaluations (id)
);
CREATE TABLE tokens (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	competition VARCHAR NOT NULL, 
	team VARCHAR, 
	sha256 VARCHAR NOT NULL, 
	scopes VARCHAR NOT NULL, 
	created DATETIME NOT NULL, 
	expires DATETIME, 
	revoked DATETIME, 
	FOREIGN KEY(competition, team) REFERENCES teams (competition, name), 
	CONSTRAINT uq_tokens_sha256 UNIQUE (sha256)
);
CREATE TABLE verifications (
	evaluation VARCHAR NOT NULL, 
	manifest_sha256 VARCHAR NOT NULL, 
	verified_at DATETIME NOT NULL, 
	reruns INTEGER NOT NULL, 
	mismatches INTEGER NOT NULL, 
	PRIMARY KEY (evaluation), 
	FOREIGN KEY(evaluation) REFERENCES evaluations (id)
);
CREATE INDEX ix_entries_content_sha256 ON entries (content_sha256);
CREATE INDEX ix_entries_evaluation ON entries (evaluation);
CREATE INDEX ix_competition_entries_team ON competition_entries (competition, phase, team);
CREATE INDEX ix_competition_entries_state ON competition_entries (competition, state);
CREATE TRIGGER audit_refuses_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit only grows'); END;
CREATE TRIGGER audit_refuses_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit only grows'); END;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('entries',0);
INSERT INTO "sqlite_sequence" VALUES('tokens',0);
COMMIT;
