package main

import (
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"portal/internal/testkit"
)

// siteOf is the nginx configuration of the project with the addresses and
// files of a test in it.
func siteOf(t *testing.T, listen string, nodes []*installation, cert, key string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "deploy", "nginx", "portal.conf"))
	must(t, err)
	site := string(text)
	for place, ours := range map[string]string{
		"listen 443 ": "listen " + listen + " ", "server_name portal.example.com;": "server_name localhost;",
		"/etc/ssl/portal/server.pem": cert, "/etc/ssl/portal/server.key": key,
		"127.0.0.1:8081": nodes[0].listen, "127.0.0.1:8082": nodes[1].listen, "127.0.0.1:8083": nodes[2].listen,
	} {
		if strings.Count(site, place) != 1 {
			t.Fatalf("%q stands %d times in the configuration", place, strings.Count(site, place))
		}
		site = strings.Replace(site, place, ours, 1)
	}
	return site
}

// Three nodes on one PostgreSQL, behind nginx as deploy/nginx says, are
// restarted one after the other while many people use them: nobody sees a
// failure, and what was answered is in the database.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	in := install(t)
	in.Database = testkit.Postgres(t)
	in.Run("", "customer", "list") // makes the key ring
	nodes := []*installation{in, in.second(), in.second()}
	front := freeAddress(t)
	_, port, err := net.SplitHostPort(front)
	must(t, err)
	base := "https://localhost:" + port
	serve := func(node *installation) *server {
		s := node.Serve("--base-url", base, "--proxy", "127.0.0.1", "--drain", "2s")
		until(t, "the node is ready", func() bool { return newClient(t, "http://"+node.listen).Get("/readyz").Status == 200 })
		return s
	}
	var servers []*server
	for _, node := range nodes {
		servers = append(servers, serve(node))
	}
	authority := testkit.NewAuthority(t)
	cert, key := authority.Issue(t, t.TempDir(), "localhost")
	testkit.Nginx(t, siteOf(t, front, nodes, cert, key), front)

	c := newCrowd(t, servers[0], base, overTLS(front, &tls.Config{RootCAs: authority.Pool(), ServerName: "localhost"}))
	for i, node := range nodes {
		c.atWork()
		servers[i].signal(syscall.SIGTERM)
		servers[i].wantEnd(t)
		servers[i] = serve(node)
	}
	c.atWork()
	close(c.stop)
	c.people.Wait()
	c.wantRecorded(in)
	for _, s := range servers {
		if !strings.Contains(s.Log(), `"route":"/account"`) {
			t.Error("a node got none of the visitors after its restart")
		}
	}
}
