-- The two roles of the portal and its database, once, by a superuser of
-- PostgreSQL 15 or newer:
--
--	PORTAL_OWNER_PASSWORD=… PORTAL_SERVICE_PASSWORD=… psql -X -f roles.sql postgres
--
-- Then, with the program, the owner makes the tables and gives the service its
-- rights; again before each newer version:
--
--	portal migrate --database postgres://portal_owner@…/portal --service-role portal_service
--
-- Other names: -v owner=… -v service=… -v database=…

\set ON_ERROR_STOP on
\getenv owner_password PORTAL_OWNER_PASSWORD
\getenv service_password PORTAL_SERVICE_PASSWORD
\if :{?owner} \else \set owner portal_owner \endif
\if :{?service} \else \set service portal_service \endif
\if :{?database} \else \set database portal \endif

-- Passwords go to the server once, and not into its log.
SET log_statement = 'none';
SET log_min_duration_statement = -1;
SET log_min_error_statement = 'panic';
SET password_encryption = 'scram-sha-256';

-- The owner makes and changes the tables, and prunes the audit trail. The
-- service reads and changes rows, may only add to the audit trail, and owns
-- nothing.
CREATE ROLE :"owner" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'owner_password';
CREATE ROLE :"service" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'service_password';

CREATE DATABASE :"database" OWNER :"owner" TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8';
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO :"service";

\connect :"database"
ALTER SCHEMA public OWNER TO :"owner";
REVOKE ALL ON SCHEMA public FROM PUBLIC;

-- A request takes 15 seconds at most, a job of many rows longer. What a node that died has begun must not
-- hold others up for longer.
ALTER ROLE :"service" IN DATABASE :"database" SET statement_timeout = '2min';
ALTER ROLE :"service" IN DATABASE :"database" SET idle_in_transaction_session_timeout = '30s';
