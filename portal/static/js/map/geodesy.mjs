/** Lengths and areas on the ellipsoid of CGCS2000, from degrees, longitude first. */

const A_M = 6_378_137, F = 1 / 298.257222101, B_M = A_M * (1 - F), E2 = F * (2 - F), E = Math.sqrt(E2);
const ROUNDS = 60, CLOSE_ENOUGH = 1e-12;
const radians = (degrees) => (degrees * Math.PI) / 180;

/** Length in metres of the geodesic between two points, by Vincenty's inverse formula. */
export function stepM([lng1, lat1], [lng2, lat2]) {
  const across = radians(lng2 - lng1), u1 = Math.atan((1 - F) * Math.tan(radians(lat1))), u2 = Math.atan((1 - F) * Math.tan(radians(lat2)));
  const [s1, c1, s2, c2] = [Math.sin(u1), Math.cos(u1), Math.sin(u2), Math.cos(u2)];
  let lambda = across, sigma = 0, sinSigma = 0, cosSigma = 1, cos2Alpha = 0, cos2Middle = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const [sl, cl] = [Math.sin(lambda), Math.cos(lambda)];
    sinSigma = Math.hypot(c2 * sl, c1 * s2 - s1 * c2 * cl);
    if (sinSigma === 0) return 0;
    cosSigma = s1 * s2 + c1 * c2 * cl;
    sigma = Math.atan2(sinSigma, cosSigma);
    const sinAlpha = (c1 * c2 * sl) / sinSigma;
    cos2Alpha = 1 - sinAlpha ** 2;
    cos2Middle = cos2Alpha ? cosSigma - (2 * s1 * s2) / cos2Alpha : 0;
    const c = (F / 16) * cos2Alpha * (4 + F * (4 - 3 * cos2Alpha)), before = lambda;
    lambda = across + (1 - c) * F * sinAlpha * (sigma + c * sinSigma * (cos2Middle + c * cosSigma * (2 * cos2Middle ** 2 - 1)));
    if (Math.abs(lambda - before) < CLOSE_ENOUGH) break;
  }
  const k = (cos2Alpha * (A_M ** 2 - B_M ** 2)) / B_M ** 2;
  const a = 1 + (k / 16384) * (4096 + k * (-768 + k * (320 - 175 * k))), b = (k / 1024) * (256 + k * (-128 + k * (74 - 47 * k)));
  const d = b * sinSigma * (cos2Middle + (b / 4) * (cosSigma * (2 * cos2Middle ** 2 - 1) - (b / 6) * cos2Middle * (4 * sinSigma ** 2 - 3) * (4 * cos2Middle ** 2 - 3)));
  return B_M * a * (sigma - d);
}

/** Length of a way in metres. */
export const lengthM = (points) => points.slice(1).reduce((sum, point, at) => sum + stepM(points[at], point), 0);

const q = (lat) => {
  const s = Math.sin(lat);
  return (1 - E2) * (s / (1 - E2 * s * s) + Math.atanh(E * s) / E);
};
const Q_POLE = q(Math.PI / 2), R2_M2 = (A_M ** 2 * Q_POLE) / 2;
const halfTangent = (lat) => Math.tan(Math.asin(Math.max(-1, Math.min(1, q(radians(lat)) / Q_POLE))) / 2);

/** Area of a ring in square metres: on the sphere of the same area as the ellipsoid, latitudes made to match. */
export function areaM2(points) {
  const sum = points.reduce((whole, [lng, lat], at) => {
    const [lng2, lat2] = points[(at + 1) % points.length], [t1, t2] = [halfTangent(lat), halfTangent(lat2)];
    return whole + 2 * Math.atan2(Math.tan(radians(lng2 - lng) / 2) * (t1 + t2), 1 + t1 * t2);
  }, 0);
  return Math.abs(sum) * R2_M2;
}
