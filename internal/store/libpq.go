package store

import (
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
)

// libpqVariables are the parameters of a database URL that PostgreSQL's own
// programs know by a variable of the environment. Host, port, user, password
// and database are read from the URL itself.
var libpqVariables = map[string]string{
	"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY", "sslsni": "PGSSLSNI",
	"connect_timeout": "PGCONNECT_TIMEOUT", "target_session_attrs": "PGTARGETSESSIONATTRS", "channel_binding": "PGCHANNELBINDING",
}

// authorities are where systems keep the certificates that they trust. This
// program finds them by itself; PostgreSQL's have to be told.
var authorities = []string{
	"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem",
}

// Environment tells PostgreSQL's own programs how to reach this database, in
// variables that other users of the machine cannot read.
func (s *Store) Environment() ([]string, error) { return environmentOf(s.place) }

func environmentOf(database string) ([]string, error) {
	config, err := configOf(database)
	if err != nil {
		return nil, err
	}
	var hosts, ports []string
	for _, to := range ways(config) {
		port := strconv.Itoa(int(to.Port))
		if n := len(hosts) - 1; n < 0 || hosts[n] != to.Host || ports[n] != port {
			hosts, ports = append(hosts, to.Host), append(ports, port)
		}
	}
	environment := []string{
		"PGHOST=" + strings.Join(hosts, ","), "PGPORT=" + strings.Join(ports, ","), "PGUSER=" + config.User,
		"PGPASSWORD=" + config.Password, "PGDATABASE=" + config.Database,
	}
	if path := config.RuntimeParams["search_path"]; path != "" {
		environment = append(environment, "PGOPTIONS=-c search_path="+strings.ReplaceAll(path, " ", `\ `))
	}
	return append(environment, fromParameters(database)...), nil
}

// fromParameters are what a URL says behind its question mark.
func fromParameters(database string) (environment []string) {
	_, text, _ := strings.Cut(database, "?")
	parameters, err := url.ParseQuery(text)
	if err != nil {
		return nil
	}
	for name, variable := range libpqVariables {
		if value := parameters.Get(name); value != "" {
			environment = append(environment, variable+"="+value)
		}
	}
	known := parameters.Has("sslrootcert") || os.Getenv("PGSSLROOTCERT") != ""
	if i := slices.IndexFunc(authorities, readable); !known && i >= 0 && parameters.Get("sslmode") == "verify-full" {
		environment = append(environment, "PGSSLROOTCERT="+authorities[i])
	}
	slices.Sort(environment)
	return environment
}

func readable(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
