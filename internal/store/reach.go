package store

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// protected returns a PostgreSQL URL under which nobody between here and the
// server can read along or pose as it (CO-02): to another machine TLS with
// verification, also where the URL says nothing of it. A URL that says
// otherwise is refused; on this machine it may.
func protected(database string) (string, error) {
	u, err := url.Parse(database)
	if err != nil || u.Fragment != "" {
		return "", errors.New("the database URL cannot be read; a sign in its password that means something in a URL is written as a number: # as %23, / as %2F, ? as %3F, @ as %40")
	}
	config, err := configOf(database)
	if err != nil {
		return "", err
	}
	query := u.Query()
	for name, values := range query {
		if len(values) > 1 { // one reader would take the first, another the last
			return "", fmt.Errorf("the database URL %s says %s more than once", Place(database), name)
		}
	}
	if !query.Has("sslmode") && !onThisMachine(config) {
		query.Set("sslmode", "verify-full")
		u.RawQuery = query.Encode()
		return protected(u.String())
	}
	if !onThisMachine(config) && !verifying(config) {
		return "", fmt.Errorf("sslmode=%s does not protect the way to the database %s: leave it out or say verify-full, with sslrootcert where the certificate is of an own authority", query.Get("sslmode"), Place(database))
	}
	return database, nil
}

// configOf reads a database URL. What pgx says of one that it cannot read
// repeats the URL, with the password where it does not find it.
func configOf(database string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(database)
	if err != nil {
		said := err.Error()
		return nil, fmt.Errorf("the database URL %s cannot be read%s", Place(database), said[strings.LastIndexByte(said, '`')+1:])
	}
	return config, nil
}

// verifying tells whether each server that a URL names has to prove that it is
// the one that was named; a socket of this machine need not.
func verifying(config *pgx.ConnConfig) bool {
	for _, to := range ways(config) {
		if !isSocket(to.Host) && (to.TLSConfig == nil || to.TLSConfig.InsecureSkipVerify) {
			return false
		}
	}
	return true
}

// ways are the servers of a URL, each as often as there are ways to it.
func ways(config *pgx.ConnConfig) []*pgconn.FallbackConfig {
	first := pgconn.FallbackConfig{Host: config.Host, Port: config.Port, TLSConfig: config.TLSConfig}
	return append([]*pgconn.FallbackConfig{&first}, config.Fallbacks...)
}

func isSocket(host string) bool { return strings.HasPrefix(host, "/") }

// onThisMachine tells whether every server that a URL names is a neighbour.
func onThisMachine(config *pgx.ConnConfig) bool {
	for _, to := range ways(config) {
		ip := net.ParseIP(to.Host)
		if !isSocket(to.Host) && to.Host != "localhost" && (ip == nil || !ip.IsLoopback()) {
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
	config, err := configOf(database)
	if err != nil {
		return nil, err
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	alive := net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 2 * time.Second, Count: 3}
	config.DialFunc = (&net.Dialer{KeepAliveConfig: alive}).DialContext
	return config, nil
}
