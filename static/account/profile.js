import { patch } from '../api.js'
import { ask, attempt, toast } from '../parts/dialog.js'
import { atField, Copy, File, Form, Id, useId } from '../parts/form.js'
import { Card, Facts, Head, html, useEffect, useLayoutEffect, useRef, useState } from '../parts/page.js'
import { duration, madeAt, When } from '../parts/time.js'
import { called, Flags, Image, Tag, tag } from '../parts/user.js'
import { Naming } from './naming.js'

const ME = '/users/@me'

export default function Profile({ me, change }) {
	return html`
		<${Head} title=Profile />
		<div class="column who">
			<${Identity} me=${me} change=${change} />
			<${Card} title="Username and discriminator"><${Rename} key=${tag(me)} me=${me} change=${change} /><//>
		</div>`
}

function Identity({ me, change }) {
	const [over, setOver] = useState(false)
	const latest = useRef()
	latest.current = (file) => file && !document.querySelector('dialog[open]') && attempt(() => crop(file, async (avatar) => {
		change(await patch(ME, { avatar }))
		toast('Avatar set.')
	}))

	// A file that misses the page would be opened in its place.
	useEffect(() => {
		const take = (event) => latest.current(event.clipboardData.files[0])
		const drag = (event) => {
			if (!event.dataTransfer.types.includes('Files')) return
			event.preventDefault()
			setOver(event.type === 'dragover')
			if (event.type === 'drop') latest.current(event.dataTransfer.files[0])
		}
		const events = [['paste', take], ...['dragover', 'dragleave', 'drop'].map((name) => [name, drag])]
		events.forEach(([name, listener]) => addEventListener(name, listener))
		return () => events.forEach(([name, listener]) => removeEventListener(name, listener))
	}, [])

	const take = () => ask({
		title: 'Remove the avatar', submit: 'Remove', danger: true,
		body: html`<p>You are shown with the pattern that is drawn from your id, until you set another.</p>`,
		act: async () => {
			change(await patch(ME, { avatar: null }))
			toast('Avatar removed.')
		},
	})
	return html`
		<section class=${`card profile ${over ? 'over' : ''}`} aria-label="Who you are">
			<${Image} of=${me} size=256 />
			<div>
				<p class=whole><${Tag} user=${me} /> <${Copy} text=${tag(me)} label="Copy the tag" /></p>
				<${Facts} rows=${[
					['Id', html`<${Id} id=${me.id} />`],
					['Here since', html`<${When} at=${madeAt(me.id)} />`],
					...(me.flags.length ? [['Flags', html`<${Flags} user=${me} />`]] : []),
					['Avatar', html`
						<div class=buttons>
							<${File} label=${me.avatar ? 'Choose another image' : 'Choose an image'} choose=${latest.current} />
							${me.avatar && html`<button class=small onClick=${take}>Remove<span class=unseen> the avatar</span></button>`}
						</div>
						<small class=hint>Or drop one on this page, or paste it.</small>`],
				]} />
			</div>
		</section>`
}

function Rename({ me, change }) {
	const [turn, next] = useState(0)
	async function send({ username, discriminator }) {
		const wanted = {}
		if (username !== me.username) wanted.username = username
		if (discriminator && discriminator !== me.discriminator) wanted.discriminator = discriminator
		if (!Object.keys(wanted).length) return toast('The tag is the same as before.')
		try {
			const user = await patch(ME, wanted)
			change(user)
			toast(html`You are now ${called(user)}.`)
		} catch (error) {
			if (error.status === 409) next(turn + 1)
			if (error.status === 429) error.message = `You have changed your name as often as goes for now. Try again in ${duration(Math.ceil(error.wait || 1))}.`
			throw error
		}
	}
	return html`
		<${Form} submit=Rename class=naming act=${send}>
			<${Naming} me=${me} turn=${turn} />
			<p class=hint>You log in with the new tag from then on. A name can be changed a few times an hour only.</p>
		<//>`
}

// A square is cut out of an image here, in the browser: what is sent is small, and what one sees is what one gets.

const LEAST = 16
const MOST = 512
const MOST_BYTES = 1 << 20
const TAKEN = /^image\/(png|jpeg|gif|webp)$/
const WHITE = '#fff'

const between = (least, value, most) => Math.min(most, Math.max(least, value))

function draw(canvas, bitmap, { x, y, side }, back) {
	const context = canvas.getContext('2d')
	context.imageSmoothingQuality = 'high'
	if (back) {
		context.fillStyle = back
		context.fillRect(0, 0, canvas.width, canvas.height)
	} else context.clearRect(0, 0, canvas.width, canvas.height)
	context.drawImage(bitmap, x - side / 2, y - side / 2, side, side, 0, 0, canvas.width, canvas.height)
}

/** The square as a data: URI; never larger than it was. */
function cut(bitmap, square) {
	const canvas = document.createElement('canvas')
	canvas.width = canvas.height = between(LEAST, Math.round(square.side), MOST)
	draw(canvas, bitmap, square)
	const png = canvas.toDataURL('image/png')
	if (png.length * 0.75 < MOST_BYTES) return png
	// JPEG knows no transparency.
	draw(canvas, bitmap, square, WHITE)
	return canvas.toDataURL('image/jpeg', 0.9)
}

/** Asks which part of the image it shall be; `done(data: URI)` gets it. */
async function crop(file, done) {
	const bitmap = await createImageBitmap(file, { imageOrientation: 'from-image' }).catch(() => {
		throw atField('avatar', TAKEN.test(file.type) ? 'This image can’t be read; it may be damaged. Choose another.' : 'Only PNG, JPEG, GIF and WebP images can be an avatar.')
	})
	const { width, height } = bitmap
	if (Math.min(width, height) < LEAST) throw atField('avatar', `This image has ${width} × ${height} pixels. It needs ${LEAST} on each side at least.`)
	const square = { current: null }
	ask({
		title: 'Choose the part that shows', submit: 'Set the avatar',
		body: html`<${Cropper} bitmap=${bitmap} square=${square} />`,
		act: () => done(cut(bitmap, square.current)),
	})
}

function Cropper({ bitmap, square }) {
	const id = useId()
	const { width, height } = bitmap
	const short = Math.min(width, height)
	const most = between(1, short / LEAST, 10)
	const [view, setView] = useState({ x: width / 2, y: height / 2, side: short })
	const held = useRef(null)
	const stage = useRef(null)
	const round = useRef(null)
	const small = useRef(null)
	square.current = view

	useLayoutEffect(() => {
		for (const { current } of [stage, round, small]) draw(current, bitmap, view)
	}, [view])

	const set = (change) => setView((old) => {
		const { x, y, side } = { ...old, ...change(old) }
		const now = between(short / most, side, short)
		return { side: now, x: between(now / 2, x, width - now / 2), y: between(now / 2, y, height - now / 2) }
	})
	/** By shares of what shows. */
	const move = (right, down) => set(({ x, y, side }) => ({ x: x + right * side, y: y + down * side }))
	const zoom = (factor) => set(({ side }) => ({ side: side / factor }))

	function press(event) {
		const step = event.shiftKey ? 0.1 : 0.02
		const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }
		if (event.ctrlKey || event.metaKey || event.altKey) return
		if (event.key in moves) move(...moves[event.key])
		else if (event.key === '+' || event.key === '=') zoom(1.1)
		else if (event.key === '-') zoom(1 / 1.1)
		else return
		event.preventDefault()
	}
	function drag(event) {
		const before = held.current
		if (!before) return
		held.current = [event.clientX, event.clientY]
		const frame = stage.current.clientWidth
		move((before[0] - event.clientX) / frame, (before[1] - event.clientY) / frame)
	}
	const take = (event) => {
		stage.current.setPointerCapture(event.pointerId)
		held.current = [event.clientX, event.clientY]
	}
	const release = () => (held.current = null)

	return html`
		<div class=cropper>
			<canvas ref=${stage} class=stage width=640 height=640 tabindex=0 role=application aria-roledescription="part of an image" aria-label="The part that shows. Arrow keys move it, plus and minus zoom."
				onKeyDown=${press} onPointerDown=${take} onPointerMove=${drag} onPointerUp=${release} onPointerCancel=${release}
				onWheel=${(event) => { event.preventDefault(); zoom(Math.exp(-event.deltaY / 500)) }}></canvas>
			<div class=previews>
				<canvas ref=${round} class=round width=128 height=128 role=img aria-label="Preview, round"></canvas>
				<canvas ref=${small} width=128 height=128 role=img aria-label="Preview, square"></canvas>
			</div>
		</div>
		<div class=field>
			<label for=${id}>Zoom</label>
			<input id=${id} type=range min=0 max=100 step=1 disabled=${most === 1} value=${most > 1 ? (Math.log(short / view.side) / Math.log(most)) * 100 : 0} aria-valuetext=${`${Math.round((short / view.side) * 100)} %`}
				onInput=${(event) => { const { value } = event.target; set(() => ({ side: short / most ** (value / 100) })) }} />
			<small class=hint>Drag the image to move it.</small>
		</div>`
}
