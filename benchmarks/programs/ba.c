/* Residuals of bundle adjustment: what a C programmer writes. See bundle.py for the definition.

   cameras (n, 11): rotation (3, axis times angle), centre (3), focal length, principal point (2), distortion (2)
   points (m, 3), weights (p), features (p, 2), camera_of (p), point_of (p)  ->  errors (p, 2), weight_errors (p) */

#include <math.h>
#include <stdint.h>

static void rotate(const double *r, const double *x, double *y)
{
    double square = r[0] * r[0] + r[1] * r[1] + r[2] * r[2];
    if (square == 0.0) { /* to first order */
        y[0] = x[0] + r[1] * x[2] - r[2] * x[1];
        y[1] = x[1] + r[2] * x[0] - r[0] * x[2];
        y[2] = x[2] + r[0] * x[1] - r[1] * x[0];
        return;
    }
    double angle = sqrt(square), c = cos(angle), s = sin(angle), inverse = 1.0 / angle;
    double w[3] = {r[0] * inverse, r[1] * inverse, r[2] * inverse};
    double along = (w[0] * x[0] + w[1] * x[1] + w[2] * x[2]) * (1.0 - c);
    y[0] = x[0] * c + (w[1] * x[2] - w[2] * x[1]) * s + w[0] * along;
    y[1] = x[1] * c + (w[2] * x[0] - w[0] * x[2]) * s + w[1] * along;
    y[2] = x[2] * c + (w[0] * x[1] - w[1] * x[0]) * s + w[2] * along;
}

void residuals(int64_t p, const double *restrict cameras, const double *restrict points,
               const double *restrict weights, const double *restrict features, const int64_t *restrict camera_of,
               const int64_t *restrict point_of, double *restrict errors, double *restrict weight_errors)
{
    for (int64_t i = 0; i < p; i++) {
        const double *camera = cameras + 11 * camera_of[i], *point = points + 3 * point_of[i];
        double offset[3] = {point[0] - camera[3], point[1] - camera[4], point[2] - camera[5]}, seen[3];
        rotate(camera, offset, seen);
        double u = seen[0] / seen[2], v = seen[1] / seen[2], square = u * u + v * v;
        double scale = (1.0 + camera[9] * square + camera[10] * square * square) * camera[6];
        errors[2 * i] = weights[i] * (u * scale + camera[7] - features[2 * i]);
        errors[2 * i + 1] = weights[i] * (v * scale + camera[8] - features[2 * i + 1]);
        weight_errors[i] = 1.0 - weights[i] * weights[i];
    }
}
