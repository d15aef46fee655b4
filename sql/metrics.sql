-- metrics.sql: figures of the database, for Prometheus.
--
--     sqlite3 app.db < sql/metrics.sql
--
-- Run it from the folder that has prodkit.so and a folder `metrics`, which
-- node_exporter watches (--collector.textfile.directory). It writes
-- metrics/app.prom: whole or not at all, and with a time in it, so that an alert
-- can tell when this job stops. Give each database a file of its own. A damaged
-- database is told of by the figures. When the file cannot be written it prints
-- why and ends with exit code 1, so that cron's mail tells:
--
--     * * * * *  cd /srv/app && sqlite3 app.db < sql/metrics.sql
--
-- The alert rules and a dashboard for it are in docs/monitoring. Statistics of
-- statements are of the process that runs them: an application that wants those
-- writes the file itself.

.bail on
.load ./prodkit

SELECT prod_metrics_write('metrics/app.prom');
