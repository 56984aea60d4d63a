package doctor

// Code names a finding for programs and for docs/doctor.md. A code keeps its
// meaning for ever.
type Code string

// The findings, in the order of the checks.
const (
	AllWell     Code = "ok"
	NotLooked   Code = "not-looked"
	LeftOut     Code = "left-out"
	CheckFailed Code = "check-failed"

	SettingsRefused Code = "settings-refused"
	ProxyUnnamed    Code = "proxy-unnamed"
	ProxyWide       Code = "proxy-wide"
	ProxyBypassed   Code = "proxy-bypassed"
	MetricsOpen     Code = "metrics-open"

	CertificateUnusable Code = "certificate-unusable"
	CertificateOther    Code = "certificate-other"
	CertificateEnds     Code = "certificate-ends"
	CertificateEnded    Code = "certificate-ended"

	FolderMissing  Code = "folder-missing"
	FolderOpen     Code = "folder-open"
	FileOpen       Code = "file-open"
	FileUnreadable Code = "file-unreadable"
	FileLeft       Code = "file-left"
	SpaceLow       Code = "space-low"
	SpaceOut       Code = "space-out"

	DatabaseClosed Code = "database-closed"
	DatabaseOther  Code = "database-other"
	DatabaseOwner  Code = "database-owner"
	SchemaAbsent   Code = "schema-absent"
	SchemaPending  Code = "schema-pending"
	SchemaOwed     Code = "schema-owed"
	SchemaForeign  Code = "schema-foreign"
	DataElsewhere  Code = "data-elsewhere"
	GuardsGone     Code = "guards-gone"

	RestoreCutShort Code = "restore-cut-short"
	RestoreOwed     Code = "restore-owed"
	DatabaseOlder   Code = "database-older"

	RingMissing   Code = "ring-missing"
	RingUnmade    Code = "ring-unmade"
	RingOpen      Code = "ring-open"
	RingDamaged   Code = "ring-damaged"
	RingLacks     Code = "ring-lacks"
	RingWrong     Code = "ring-wrong"
	RingOld       Code = "ring-old"
	RingOlder     Code = "ring-older"
	RotationStuck Code = "rotation-stuck"

	ClockOff    Code = "clock-off"
	ClockWrong  Code = "clock-wrong"
	ClockBehind Code = "clock-behind"

	NodesNone     Code = "nodes-none"
	NodesOnSQLite Code = "nodes-on-sqlite"
	NodeKeys      Code = "node-keys"
	JobsLate      Code = "jobs-late"

	SetupsExpired       Code = "setups-expired"
	SetupsOrphaned      Code = "setups-orphaned"
	SetupsLost          Code = "setups-lost"
	CountsWrong         Code = "counts-wrong"
	AdministratorSingle Code = "administrator-single"
	AdministratorNone   Code = "administrator-none"

	AuditBroken Code = "audit-broken"
	AuditLate   Code = "audit-late"

	MailNone     Code = "mail-none"
	MailClosed   Code = "mail-closed"
	MailUnproven Code = "mail-unproven"
	MailRefused  Code = "mail-refused"
	MailsStuck   Code = "mails-stuck"
	MailsFailed  Code = "mails-failed"
)

// kind is what is the same of every finding with one code.
type kind struct {
	severity Severity
	do       string
}

const chmod600 = "Run chmod 600 on it, and ask yourself who could have read it: what is secret in it may be known."

var catalogue = map[Code]kind{
	AllWell:     {OK, ""},
	NotLooked:   {Note, ""},
	LeftOut:     {Note, "Run portal doctor without --quick from time to time."},
	CheckFailed: {Error, "The message says what stands in the way. Put it right, and run portal doctor again."},

	SettingsRefused: {Error, "Change the setting: portal serve refuses to start like this."},
	ProxyUnnamed:    {Warning, "Name the proxy with --proxy 127.0.0.1: unnamed, its address stands for everybody's, in the audit trail and in the budgets against guessing."},
	ProxyWide:       {Warning, "Name the proxies alone: whoever is in the network may say that it is somebody else."},
	ProxyBypassed:   {Warning, "Listen on the address that the proxy uses, or keep everybody else away with a firewall."},

	MetricsOpen: {Warning, "Listen on this machine, or on an address that Prometheus alone reaches."},

	CertificateUnusable: {Error, "Put a certificate and its key in place that belong together; they are read again by themselves."},
	CertificateOther:    {Error, "Get a certificate for the host of the base URL; browsers refuse this one."},
	CertificateEnds:     {Warning, "Renew it; new files are read by themselves."},
	CertificateEnded:    {Error, "Renew it; new files are read by themselves. Until then nobody gets in."},

	FolderMissing:  {Error, "Name the data folder of the portal with --data or PORTAL_DATA."},
	FolderOpen:     {Warning, "Run chmod 700 on it."},
	FileOpen:       {Error, chmod600},
	FileUnreadable: {Error, "Run portal doctor as the user that the portal runs as; if it is that user, give it the file."},
	FileLeft:       {Warning, "Remove it: it holds keys, and was left behind when writing the key ring was cut short."},
	SpaceLow:       {Warning, "Make room: a full disk stops every change."},
	SpaceOut:       {Error, "Make room at once: nothing can be written, and nobody can sign in."},

	DatabaseClosed: {Error, "Start the database, or put --database or --data right. Nobody can sign in meanwhile."},
	DatabaseOther:  {Error, "Name the database of this data folder with --database or PORTAL_DATABASE_FILE. Where the change is meant, remove database.json from the folder; to begin anew in it, move the key ring away."},
	DatabaseOwner:  {Note, "Give the service a role of its own (portal migrate --service-role, docs/audit.md): whoever takes the service over could rewrite the audit trail."},
	SchemaAbsent:   {Error, "Start the portal once (portal serve, or portal migrate with the role that owns the database), or name the right database."},
	SchemaPending:  {Warning, "The next start of this program brings the schema up to date."},
	SchemaOwed:     {Error, "Run portal migrate --service-role ROLE with the role that owns the database, where ROLE is the one of the service: this program does not start before."},
	SchemaForeign:  {Error, "Use the program that belongs to this database."},
	DataElsewhere:  {Error, "Name the database that everything has moved to with --database; where the move is not finished, run portal move again."},
	GuardsGone:     {Error, "Keep a copy of the database as it is, and ask who took them away: they keep the audit trail as it was written. Make them again as docs/doctor.md says."},

	RestoreCutShort: {Error, "Run portal restore again with the same FILE: it goes on. Nothing starts on half a restore."},
	RestoreOwed:     {Error, "Run portal post-restore with the same --data and --database. No portal starts before."},
	DatabaseOlder:   {Error, "Find out who put it back. Run portal post-restore: what was revoked since may be accepted again."},

	RingMissing:   {Error, "Put it back from your backup, or copy it from another node (chmod 600). No new key may be made."},
	RingUnmade:    {Note, "The first start of the portal makes it; or copy that of another node."},
	RingOpen:      {Error, chmod600},
	RingDamaged:   {Error, "Put it back from your backup, or copy it from another node (chmod 600)."},
	RingLacks:     {Error, "Copy the key ring from the node where the keys were rotated, or put the newest one back from your backup."},
	RingWrong:     {Error, "This is the key ring of another installation. Put the right one back from your backup."},
	RingOld:       {Note, "portal key list says what hangs on each; portal key retire takes those away that nothing needs."},
	RingOlder:     {Note, "Run portal key rotate once all nodes have this program: since then an audit chain that is taken away is never begun anew (docs/audit.md)."},
	RotationStuck: {Warning, "Run portal key rotate again: it goes on where it was cut short."},

	ClockOff:    {Warning, "Set the clock by NTP. Above 30 seconds this node is not ready."},
	ClockWrong:  {Error, "Set the clock by NTP. With this difference a node is not ready, and codes are refused."},
	ClockBehind: {Warning, "Set the clock by NTP. If it is right now, it was ahead before: what ends by time ends later than it should."},

	NodesNone:     {Note, "Start it with portal serve, unless it is to rest."},
	NodesOnSQLite: {Error, "Stop all but one: SQLite is for one machine. Several need PostgreSQL."},
	NodeKeys:      {Error, "Copy the key ring to that machine; it is read by itself. Until then the node is not ready."},
	JobsLate:      {Warning, "The log of the running nodes says why; search it for the job."},

	SetupsExpired:       {Warning, "They are useless to everybody. The job that forgets them does not run; the log says why."},
	SetupsOrphaned:      {Warning, "They are useless to everybody and were not left by the portal: find out who writes to the database."},
	SetupsLost:          {Error, "These people cannot sign in. Delete their 2FA setup (portal user delete-2fa), and find out who writes to the database."},
	CountsWrong:         {Error, "Count anew as docs/doctor.md says, and find out who writes to the database. Until then changes of these users may be refused."},
	AdministratorSingle: {Note, "Make a second one: a single one who loses the phone can be helped by the host alone."},
	AdministratorNone:   {Warning, "Add one, or help one back in (portal user add, reactivate, thaw, invite); until then nobody helps these people."},

	AuditBroken: {Error, "Keep a copy of the database as it is, and ask who could write to it. portal audit verify lists everything."},
	AuditLate:   {Warning, "Start the portal; if it runs, its log says why it does not seal."},

	MailNone:     {Note, "Set --smtp-url, or read the mails with portal mail list and portal mail show."},
	MailClosed:   {Error, "Look at --smtp-url and at the mail server. Mails wait for three days."},
	MailUnproven: {Error, "Mend the certificate of the mail server, or name its authority with --smtp-ca. Nothing is sent to a server that cannot be proven."},
	MailRefused:  {Error, "Put the user in --smtp-url and the password in PORTAL_SMTP_PASSWORD_FILE right."},
	MailsStuck:   {Warning, "portal mail list says what stops each."},
	MailsFailed:  {Warning, "portal mail list says why, portal mail show what people were not told."},
}

// Codes lists the catalogue with the severity of each code.
func Codes() map[Code]Severity {
	all := map[Code]Severity{}
	for code, kind := range catalogue {
		all[code] = kind.severity
	}
	return all
}
