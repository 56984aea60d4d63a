package browser_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

// frame surrounds the content of each page of the little site under test.
const frame = `<!doctype html><html lang="en"><head><title>%s</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">
<style>:root { color-scheme: light dark } .far { margin-top: 3000px }</style></head><body><main><h1>%[1]s</h1>%s</main></body></html>`

// pages are the contents by path.
var pages = map[string]string{
	"/sign-in": `<form method="post"><label>Login ID <input name="login" value="old"></label>
		<label>Password <input type="password" name="password" required></label><button>Sign in</button></form>`,

	"/home": `<button popovertarget="menu">Wendy</button>
		<div id="menu" popover><a href="/account">Account</a></div>
		<p hidden><button>Hidden</button></p><p aria-hidden="true"><button tabindex="-1">Secret</button></p>
		<p class="far"><a href="/account">Far away</a></p>`,

	"/account": `<section aria-labelledby="h"><h2 id="h">Two Factor Authentication</h2>
		<form method="post" action="/switch"><button role="switch" aria-checked="%s" aria-labelledby="h">Turn</button></form>
		<p role="status">%s</p><span id="square" style="display:block;width:50px;height:40px;background:#c00"></span></section>
		<section aria-label="Other"><button>Save</button></section><button>Save</button>`,

	"/users": `<table><thead><tr><th>Login ID<th>Name</thead>
		<tr><td>walter<td>Walter<tr><td><a href="/home">wendy</a><td>Wendy <button>Remove</button></table>
		<label>Filter <select><option value="1">All<option value="2">Enabled</select></label>`,

	"/covered": `<button>Under</button><div style="position:fixed;inset:0;background:#fff" id="veil"></div>`,

	"/theme": `<p id="p"></p><noscript><p>No scripts here</p></noscript><script>
		p.textContent = (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light') + ' ' + innerWidth
		document.title = 'script ran'; localStorage.setItem('a', 'b')</script>`,

	"/late": `<button onclick="setTimeout(() => location.assign('/home'), 0)">Soon</button>
		<button onclick="fetch('/slow').then(() => location.assign('/home'))">Later</button>
		<button onclick="console.error('it', 'broke'); nothing.here()">Break</button>`,

	"/foreign": `<p>Content</p><img src="https://example.com/x.png" alt="x">`,
	"/broken":  `<img src="data:,"><input>`,
	"/wide":    `<button>Narrow</button><div style="width:2000px">Wide</div>`,
	"/slow":    `slow`,
}

// site serves the pages. Signing in and switching are posts that redirect; a
// wrong password is refused with an alert and status 422.
func site(t *testing.T) string {
	t.Helper()
	enabled := false
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		content := pages[r.URL.Path]
		if r.URL.Path == "/account" {
			content = fmt.Sprintf(content, fmt.Sprint(enabled), map[bool]string{true: "Enabled", false: "Disabled"}[enabled])
		}
		if r.URL.Path == "/foreign" {
			w.Header().Set("Content-Security-Policy", "img-src data:")
		}
		write(w, http.StatusOK, r.URL.Path[1:], content)
	})
	mux.HandleFunc("POST /sign-in", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("login") != "wendy" || r.FormValue("password") != "right" {
			write(w, http.StatusUnprocessableEntity, "Refused", `<p role="alert">Wrong  login</p>`+pages["/sign-in"])
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "s", Path: "/", HttpOnly: true})
		http.Redirect(w, r, "/home", http.StatusSeeOther)
	})
	mux.HandleFunc("POST /switch", func(w http.ResponseWriter, r *http.Request) {
		enabled = !enabled
		http.Redirect(w, r, "/account", http.StatusSeeOther)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

func write(w http.ResponseWriter, status int, title, content string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprintf(w, frame, title, content)
}
