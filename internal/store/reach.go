package store

import (
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// protected returns a PostgreSQL URL under which nobody between here and the
// server can read along or pose as it (CO-02): to another machine TLS with
// verification, also where the URL says nothing of it. A URL that says
// otherwise is refused; on this machine it may.
func protected(database string) (string, error) {
	u, err := url.Parse(database)
	if err != nil {
		return "", fmt.Errorf("the database URL %s cannot be read", redactURL(database))
	}
	config, err := pgx.ParseConfig(database)
	if err != nil {
		return "", fmt.Errorf("the database URL %s: %w", redactURL(database), err)
	}
	if onThisMachine(config) {
		return database, nil
	}
	query := u.Query()
	switch mode := query.Get("sslmode"); mode {
	case "verify-full":
		return database, nil
	case "":
		query.Set("sslmode", "verify-full")
		u.RawQuery = query.Encode()
		return u.String(), nil
	default:
		return "", fmt.Errorf("sslmode=%s does not protect the way to the database %s: leave it out or say verify-full, with sslrootcert where the certificate is of an own authority", mode, redactURL(database))
	}
}

// onThisMachine tells whether every server that a URL names is a neighbour.
func onThisMachine(config *pgx.ConnConfig) bool {
	hosts := []string{config.Host}
	for _, other := range config.Fallbacks {
		hosts = append(hosts, other.Host)
	}
	for _, host := range hosts {
		ip := net.ParseIP(host)
		socket := strings.HasPrefix(host, "/")
		if !socket && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return false
		}
	}
	return true
}

// connectTimeout is how long one server of a URL may take to answer, so that
// the next one is asked while there is still time; connect_timeout in the URL
// says otherwise.
const connectTimeout = 3 * time.Second

// reaching is how connections are made. A server that is gone without a word
// is found out within seconds, also by connections that only wait.
func reaching(database string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(database)
	if err != nil {
		return nil, fmt.Errorf("the database URL %s: %w", redactURL(database), err)
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	alive := net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 2 * time.Second, Count: 3}
	config.DialFunc = (&net.Dialer{KeepAliveConfig: alive}).DialContext
	return config, nil
}
