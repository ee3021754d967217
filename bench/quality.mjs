/* quality.mjs - how near results are to what they should be
 *
 * Reads lines "SOURCE OURS PEER" of file names. Each result is decoded and compared with a
 * reference: the source decoded whole, without a shrinking decoder, and brought to the result's
 * width by Lanczos 3. Where the height is a fraction of a pixel more or less than the sides'
 * ratio asks, a program may stretch the picture or cut it: the nearer of both references counts.
 * Prints the means "PSNR_OURS PSNR_PEER SSIM_OURS SSIM_PEER": PSNR in dB over RGB, SSIM over luma
 * in windows of 8 x 8, as in Wang et al. 2004 with flat weights.
 */
import { createInterface } from "node:readline";
import sharp from "sharp";

async function rgb(image) {
	const { data, info } = await image.removeAlpha().raw().toBuffer({ resolveWithObject: true });
	if (info.channels !== 3)
		throw new Error(`${info.channels} channels`);
	return { data, width: info.width, height: info.height };
}

async function references(source, { width, height }) {
	const whole = await rgb(sharp(source));
	const raw = { width: whole.width, height: whole.height, channels: 3 };
	const stretched = await rgb(sharp(whole.data, { raw }).resize(width, height, { fit: "fill" }));
	const cut = await rgb(sharp(whole.data, { raw }).resize(width));
	return cut.height === height ? [stretched, cut] : [stretched];
}

function psnr(a, b) {
	let sum = 0;
	for (let i = 0; i < a.data.length; i++)
		sum += (a.data[i] - b.data[i]) ** 2;
	return 10 * Math.log10(255 ** 2 / (sum / a.data.length));
}

function luma({ data }) {
	const out = new Float64Array(data.length / 3);
	for (let i = 0; i < out.length; i++)
		out[i] = 0.299 * data[3 * i] + 0.587 * data[3 * i + 1] + 0.114 * data[3 * i + 2];
	return out;
}

function window_ssim(a, b, width, left, top) {
	const n = 64, c1 = (0.01 * 255) ** 2, c2 = (0.03 * 255) ** 2;
	let sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0;
	for (let y = top; y < top + 8; y++) {
		for (let x = left; x < left + 8; x++) {
			const p = a[y * width + x], q = b[y * width + x];
			sa += p, sb += q, saa += p * p, sbb += q * q, sab += p * q;
		}
	}
	const ma = sa / n, mb = sb / n;
	const va = saa / n - ma * ma, vb = sbb / n - mb * mb, cov = sab / n - ma * mb;
	return ((2 * ma * mb + c1) * (2 * cov + c2)) / ((ma * ma + mb * mb + c1) * (va + vb + c2));
}

function ssim(a, b) {
	const la = luma(a), lb = luma(b);
	let sum = 0, count = 0;
	for (let y = 0; y + 8 <= a.height; y += 4)
		for (let x = 0; x + 8 <= a.width; x += 4, count++)
			sum += window_ssim(la, lb, a.width, x, y);
	return sum / count;
}

const sums = [0, 0, 0, 0];
let count = 0;
for await (const line of createInterface({ input: process.stdin })) {
	const [source, ...results] = line.split(" ");
	for (const [side, file] of results.entries()) {
		const result = await rgb(sharp(file));
		const should = await references(source, result);
		sums[side] += Math.max(...should.map((one) => psnr(result, one)));
		sums[2 + side] += Math.max(...should.map((one) => ssim(result, one)));
	}
	count++;
}
console.log(sums.map((sum) => sum / count).join(" "));
