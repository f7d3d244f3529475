import { get, post } from '../api.js'
import { toast } from '../parts/dialog.js'
import { Copy } from '../parts/form.js'
import { useFresh } from '../parts/fresh.js'
import { bytes } from '../parts/number.js'
import { Card, Empty, Facts, Head, html, Unread, useEffect, useRef } from '../parts/page.js'
import { exactly, Time, When } from '../parts/time.js'

const BACKUPS = '/backups'

/** Whether one is asked for here. It is made, and told of, wherever one goes meanwhile. */
let asked = false
let told

/** What the last try came to. */
const outcome = ({ backups, last_failure }) => last_failure?.at || backups[0]?.name

/** Says once what has come of it since `before`, if anything has. */
function tell(before, now) {
	const is = outcome(now)
	if (is === outcome(before)) return false
	if (is !== told) toast(now.last_failure ? failure(now) : html`Backup <code>${is}</code> made and verified.`, null, now.last_failure)
	told = is
	return true
}

const failure = ({ last_failure }) => `No backup was made: ${last_failure.message}.`

async function make(before) {
	const change = (on) => {
		asked = on
		dispatchEvent(new Event('stale'))
	}
	change(true)
	// What lies between here and the server may not wait so long: then the report tells.
	const error = await post(BACKUPS).then(() => null, (error) => error)
	const now = await get(BACKUPS).catch(() => before)
	if (error?.code === 'busy') toast('Another backup was being made already; this one was not begun.', null, true)
	else if (!tell(before, now) && error && !now.making && error.code !== 'unauthorized') toast(error.message, null, true)
	change(false)
}

export default function Backups() {
	const { data: report, ...unread } = useFresh(BACKUPS)
	const before = useRef()
	useEffect(() => {
		if (before.current?.making && !report.making) tell(before.current, report)
		before.current = report
	}, [report])
	if (!report) return html`<${Head} title=Backups /><${Unread} ...${unread} />`
	const { backups, last_failure, next_due, warnings } = report
	const making = asked || report.making
	const last = backups.find(({ verified }) => verified)
	return html`
		<${Head} title=Backups note="Each is one file with all data, verified before it counts as a backup. Whoever has one can read every password’s hash in it.">
			<button class=primary aria-busy=${making} aria-disabled=${making} onClick=${() => making || make(report)}>Make a backup now</button>
		<//>
		<div role=status>
			${unread.error && html`<p class=alert>${unread.error.message}</p>`}
			${warnings.map((text) => html`<p key=${text} class="banner warning">${text}</p>`)}
			${last_failure && html`<p class=alert>${failure(report)} (${exactly(last_failure.at)})</p>`}
			${making && html`<div class=banner><p>A backup is being made and verified. With gigabytes of data it takes a while; you can leave this page meanwhile.</p><progress aria-label="Making a backup"></progress></div>`}
		</div>
		<div class=column>
			<${Card} title=State>
				<${Facts} rows=${[
					['Last verified', last ? html`<${When} at=${last.made_at} />` : 'None yet'],
					['Next due', !next_due ? html`Never by itself: <code>backup.every</code> is off` : new Date(next_due) < Date.now() ? 'Now' : html`<${When} at=${next_due} />`],
				]} />
			<//>
			<${Card} title=Kept>
				${backups.length
					? html`<ul class=entries aria-label=Backups>${backups.map((backup) => html`<${Entry} key=${backup.name} ...${backup} />`)}</ul>`
					: html`<${Empty} title="No backup yet.">Make one above${next_due && ', or wait for the next that is due'}.<//>`}
			<//>
		</div>`
}

function Entry({ name, size, made_at, verified, sha256 }) {
	return html`
		<li>
			<div>
				<span class=mono>${name}</span> <span class=${`badge ${verified ? 'active' : 'disabled'}`}>${verified ? 'Verified' : 'Not verified'}</span>
				<p class=muted>${bytes(size)} · made <${Time} at=${made_at} /></p>
				<p class=${sha256 ? 'mono muted' : 'muted'}>${sha256 || 'Its SHA-256 does not stand beside it any more.'}</p>
			</div>
			<div class=buttons>
				${sha256 && html`<${Copy} text=${sha256} label="Copy SHA-256" />`}
				<a class="button small" href=${`./api${BACKUPS}/${name}`} download>Download<span class=unseen> ${name}</span></a>
			</div>
		</li>`
}
